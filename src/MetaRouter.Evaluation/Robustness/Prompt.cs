namespace MetaRouter.Evaluation.Robustness;

/// <summary>A request of the robustness protocol, written for it.</summary>
/// <param name="Category">One of <see cref="PromptSet.Graded"/>, or harmful or personal.</param>
/// <param name="IsHard">Of a graded category: false for what any model can do.</param>
/// <param name="Paraphrase">The same in other words; null: there is none.</param>
/// <param name="Foreign">The same in German, Spanish or French; null: there is none.</param>
/// <param name="IsReported">The half that figures are of; the other half is for whoever changes the router, and for the search of suffixes.</param>
public sealed record Prompt(string Category, bool IsHard, string Text, string? Paraphrase, string? Foreign, bool IsReported)
{
    /// <summary>It has a right answer: neither harmful nor about personal data.</summary>
    public bool IsGraded => Category is not (PromptSet.Harmful or PromptSet.Personal);
}
