namespace MetaRouter.Evaluation.Protocols;

/// <summary>RouteLLM's own figures (arXiv:2406.18665 v4, tables 1 to 3; the best training mix of each router), quoted for comparison.</summary>
internal static class PublishedRows
{
    public static IReadOnlyList<DeferralRow> Mmlu { get; } =
    [
        Row("mmlu", "RouteLLM SW", .603, 35.40, 71.55),
        Row("mmlu", "RouteLLM causal LLM", .600, 35.49, 70.31),
        Row("mmlu", "RouteLLM MF", .597, 35.46, 71.40),
        Row("mmlu", "RouteLLM BERT", .572, 41.30, 72.20),
        Row("mmlu", "RouteLLM random", .500, 50.07, 79.93),
    ];

    public static IReadOnlyList<DeferralRow> Gsm8k { get; } =
    [
        Row("gsm8k", "RouteLLM causal LLM", .622, 33.64, 63.26),
        Row("gsm8k", "RouteLLM SW", .568, 41.21, 72.20),
        Row("gsm8k", "RouteLLM MF", .565, 38.82, 72.62),
        Row("gsm8k", "RouteLLM BERT", .531, 44.76, 79.09),
        Row("gsm8k", "RouteLLM random", .497, 50.00, 80.08),
    ];

    public static IReadOnlyList<DeferralRow> MtBench { get; } =
    [
        Row("mt-bench", "RouteLLM MF", .802, 13.40, 31.31),
        Row("mt-bench", "RouteLLM SW", .759, 23.21, 36.04),
        Row("mt-bench", "RouteLLM BERT", .751, 19.58, 34.02),
        Row("mt-bench", "RouteLLM causal LLM", .679, 31.50, 48.75),
        Row("mt-bench", "RouteLLM random", .500, 49.03, 78.08),
    ];

    private static DeferralRow Row(string benchmark, string router, double apgr, double cpt50, double cpt80) => new(router, benchmark, true, apgr, null, cpt50, null, cpt80, null);
}
