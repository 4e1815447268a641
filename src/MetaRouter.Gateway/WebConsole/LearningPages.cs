using System.Globalization;
using MetaRouter.Core.Preferences;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;
using MetaRouter.Hosting.Learning;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>What was learned of all users: the priors that were fitted, the evidence for and against each, and the rollback.</summary>
internal sealed class LearningPages(ILearning learning, ConsoleFigures figures, UserPages users, TimeProvider time, GatewaySettings settings) : IEndpoints
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(10);

    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, (DateTimeOffset At, NewcomerView[]? Curve)> _newcomers = new();

    public void Map(IEndpointRouteBuilder routes)
    {
        const string path = ConsoleEndpoints.Root + "/learning";
        routes.MapRead(path, LearningAsync).WithMetadata(NeedsScope.Read);
        routes.MapPost(path + "/rollback", RollBackAsync).WithMetadata(NeedsScope.Operator);
        routes.MapPost(path + "/refresh", RefreshAsync).WithMetadata(NeedsScope.Operator);
    }

    private async Task LearningAsync(HttpContext context)
    {
        var serving = figures.Serving();
        var history = await learning.HistoryAsync(context.RequestAborted).ConfigureAwait(false);
        var current = history.FirstOrDefault(r => ApiNames.Snapshot(r.Version) == serving.Version && r.Result != PriorResults.Kept);
        var snapshots = history.Select(r => new SnapshotView(
            ApiNames.Snapshot(r.Version), r.At?.UtcDateTime, r.Result, r.Users, r.ChampionEvidence, r.ChallengerEvidence, Density(r.Prior), ReferenceEquals(r, current))).ToArray();
        await ConsoleEndpoints.WriteAsync(
            context,
            new LearningView(serving, snapshots, await NewcomersAsync(Edge.TenantOf(context), context.RequestAborted).ConfigureAwait(false))).ConfigureAwait(false);
    }

    private async Task RollBackAsync(HttpContext context)
    {
        var wanted = await RequestBody.ReadTextAsync(context, settings.Gateway, "version", "one of GET /v1/console/learning").ConfigureAwait(false);
        if (!ulong.TryParse(wanted, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var version)
            || !await learning.RollBackAsync(version, context.RequestAborted).ConfigureAwait(false))
        {
            throw new ApiException(
                404, ErrorCodes.InvalidRequest, "unknown_version",
                $"The history has no version '{wanted[..Math.Min(wanted.Length, 40)]}'. Send one of GET /v1/console/learning.", "version");
        }

        await LearningAsync(context).ConfigureAwait(false);
    }

    private async Task RefreshAsync(HttpContext context)
    {
        await learning.RefreshAsync(context.RequestAborted).ConfigureAwait(false);
        await LearningAsync(context).ConfigureAwait(false);
    }

    /// <summary>It reads a hundred users, so it is kept for a moment.</summary>
    private async Task<NewcomerView[]?> NewcomersAsync(string tenant, CancellationToken cancellationToken)
    {
        if (_newcomers.TryGetValue(tenant, out var known) && time.GetUtcNow() - known.At < Fresh)
        {
            return known.Curve;
        }

        var curve = await users.NewcomersAsync(tenant, cancellationToken).ConfigureAwait(false);
        _newcomers[tenant] = (time.GetUtcNow(), curve);
        return curve;
    }

    private static MassView[] Density(PopulationPrior prior)
    {
        Span<double> density = stackalloc double[PreferenceGrid.Length];
        prior.Density(density);
        var shown = new MassView[density.Length];
        for (var i = 0; i < shown.Length; i++)
        {
            shown[i] = new(PreferenceGrid.Lambda[i], density[i]);
        }

        return shown;
    }
}
