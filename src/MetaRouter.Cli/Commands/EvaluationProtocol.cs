using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Report;

namespace MetaRouter.Cli.Commands;

/// <summary>A protocol as the command line knows it.</summary>
/// <param name="Seeds">The number of seeds where the caller gives none.</param>
internal sealed record EvaluationProtocol(string Name, string Description, bool HasPools, int Seeds, Func<EvaluationRequest, EvaluationResult> Run);

internal sealed record EvaluationRequest(
    string DataFolder,
    IReadOnlyList<Pool> Pools,
    int Seeds,
    IReadOnlyList<Func<IOutcomeModel>> Routers,
    IProgress<ProtocolProgress> Progress,
    CancellationToken CancellationToken);

/// <param name="Json">One line.</param>
internal sealed record EvaluationResult(IReadOnlyList<ResultTable> Tables, string Json, IReadOnlyList<string> Warnings)
{
    /// <summary>For the report of <c>evaluate all</c>.</summary>
    public IReadOnlyList<Figure> Figures { get; init; } = [];

    /// <inheritdoc cref="Figures"/>
    public IReadOnlyList<Target> Targets { get; init; } = [];
}
