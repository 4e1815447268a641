using System.Globalization;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Router;

/// <summary>The decision log: its lines, and what following the decisions that were only noted would have saved. A key sees its own tenant's.</summary>
internal sealed class DecisionLogEndpoints(SavingsReports savings, PoolHolder pool, RouterSecrets secrets, MetaRouterOptions options) : IEndpoints
{
    private const string Since = "since";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapRead(DecisionEndpoint.Root, DecisionsAsync).WithMetadata(NeedsScope.Admin);
        routes.MapRead("/v1/router/savings", SavingsAsync).WithMetadata(NeedsScope.Read);
    }

    private async Task DecisionsAsync(HttpContext context)
    {
        var lines = Log(Edge.TenantOf(context), SinceOf(context.Request.Query[Since].ToString()), context.RequestAborted);
        context.Response.ContentType = "application/x-ndjson";
        await using var output = new StreamWriter(context.Response.Body, leaveOpen: true);
        await foreach (var line in lines.ConfigureAwait(false))
        {
            await output.WriteLineAsync(line.AsMemory(), context.RequestAborted).ConfigureAwait(false);
        }
    }

    private async Task SavingsAsync(HttpContext context)
    {
        var tenant = Edge.TenantOf(context);
        var report = await savings.GetAsync(tenant, () => SavingsReport.ReadAsync(Log(tenant, null, CancellationToken.None), pool.Current.JudgedByPrice), context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, report).ConfigureAwait(false);
    }

    /// <summary>Null: none was given.</summary>
    private static DateTimeOffset? SinceOf(string given)
    {
        if (given.Length == 0)
        {
            return null;
        }

        // In a URL a plus sign that was not encoded, as of a line's own time, is a space.
        return DateTimeOffset.TryParse(given, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            || DateTimeOffset.TryParse(given.Replace(' ', '+'), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at)
                ? at : throw ApiException.BadValue(Since, $"'{Since}' is '{given[..Math.Min(given.Length, 100)]}'; it must be a time such as 2026-01-31T12:00:00Z, or be left out.");
    }

    /// <summary>A tenant's lines of the log.</summary>
    private IAsyncEnumerable<string> Log(string tenant, DateTimeOffset? since, CancellationToken cancellationToken)
    {
        try
        {
            return DecisionLog.Read(options.DecisionLog, secrets.HashOf(tenant), since, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ApiException(404, ErrorCodes.InvalidRequest, "no_decision_log", options.DecisionLog.Length == 0
                ? "No decisions are logged. Name a file in MetaRouter:DecisionLog."
                : $"The decision log '{options.DecisionLog}' cannot be read: {e.Message}");
        }
    }
}
