namespace MetaRouter.Evaluation.Data;

/// <summary>Rows of other files whose questions also stand in a RouteLLM file. They stay out of training whenever such a file is the test.</summary>
public static class RouteLlmOverlap
{
    private static readonly HashSet<string> s_datasets = new(StringComparer.Ordinal) { "gsm8k", "ulab-gsm8k", "ulab-mmlu" };

    public static bool Touches(OutcomeRowInfo row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row.InRouteLlm || row.InRouteLlmMmlu || s_datasets.Contains(row.Dataset);
    }
}
