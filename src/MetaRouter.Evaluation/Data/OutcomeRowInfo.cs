namespace MetaRouter.Evaluation.Data;

/// <summary>What a row says of itself besides its outcomes. A flag that the row does not have is false.</summary>
/// <param name="Id">Unique within its file.</param>
/// <param name="Category">Null where the file has none.</param>
/// <param name="Contaminated">Dropped from RouteLLM's tables, as its authors do.</param>
/// <param name="InRouteLlm">The question also stands in a RouteLLM file.</param>
/// <param name="InRouteLlmMmlu">The question also stands in RouteLLM's MMLU file.</param>
public sealed record OutcomeRowInfo(string Id, string Dataset, string? Category, string Query, bool Contaminated, bool InRouteLlm, bool InRouteLlmMmlu)
{
    /// <summary>The category, or else the data set.</summary>
    public string Group => Category ?? Dataset;
}
