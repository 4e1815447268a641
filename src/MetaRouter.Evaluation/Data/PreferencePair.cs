using MetaRouter.Core.Catalog;

namespace MetaRouter.Evaluation.Data;

/// <summary>What people, or a judge, said of two models' answers to one request.</summary>
/// <param name="Votes">For the first, for the second, for neither; not all 0.</param>
public sealed record PreferencePair(string Id, string Query, ModelId First, ModelId Second, (int First, int Second, int Tie) Votes)
{
    /// <summary>By how much the first is preferred, -1 to 1.</summary>
    public float Gain => (Votes.First - Votes.Second) / (float)(Votes.First + Votes.Second + Votes.Tie);
}
