using System.Globalization;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>What the console shows of traffic and decisions: <c>/v1/console</c>. A key sees its own tenant's.</summary>
internal sealed class ConsoleEndpoints(
    ConsoleRecorder recorder, ConsoleRows rows, ConsoleFigures figures, RouterSecrets secrets, ReceiptLookup lookup, ModeKeeper mode, GatewaySettings settings) : IEndpoints
{
    public const string Root = "/v1/console";
    private const int MostRows = 1000;

    /// <summary>In the order of their values.</summary>
    private static readonly JournalReason[] s_reasons = Enum.GetValues<JournalReason>();

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapRead(Root + "/session", SessionAsync);
        routes.MapRead(Root + "/overview", context => WriteAsync(context, figures.Overview(Watched(context, recorder), Minutes(context)))).WithMetadata(NeedsScope.Read);
        routes.MapRead(Root + "/front", context => WriteAsync(context, figures.Front(Watched(context, recorder), Number(context, "hours", 24, 1, 24 * 366)))).WithMetadata(NeedsScope.Read);
        routes.MapRead(Root + "/decisions", DecisionsAsync).WithMetadata(NeedsScope.Read);
        routes.MapRead(Root + "/decisions/{decision}", DecisionAsync).WithMetadata(NeedsScope.Read);
        routes.MapRead(Root + "/users", context => WriteAsync(context, figures.Users(Watched(context, recorder), Number(context, "limit", 50, 1, MostRows)))).WithMetadata(NeedsScope.Read);
    }

    /// <summary>What the console is shown must not be cached.</summary>
    internal static Task WriteAsync<T>(HttpContext context, T answer)
    {
        context.Response.Headers.CacheControl = "no-store";
        return Answers.WriteAsync(context, answer, ConsoleJson.Default, ConsoleJson.Pretty);
    }

    /// <summary>A whole number of the query.</summary>
    /// <exception cref="ApiException">400: it is not a whole number, or outside its range.</exception>
    internal static int Number(HttpContext context, string name, int otherwise, int least, int most)
    {
        var given = context.Request.Query[name].ToString();
        return given.Length == 0 ? otherwise
            : int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
            : throw ApiException.BadValue(name, $"'{name}' is '{given}'; it must be a whole number from {least} to {most}.");
    }

    private Task SessionAsync(HttpContext context)
    {
        var caller = Edge.CallerOf(context);
        return WriteAsync(context, new SessionView(caller.Tenant, ScopeNames.Of(caller.Scopes), settings.IsDemo, settings.IsSimulated, mode.Mode, Arguments.Version));
    }

    /// <summary>The caller's tenant.</summary>
    /// <exception cref="ApiException">404: nothing is kept of it.</exception>
    internal static string Watched(HttpContext context, ConsoleRecorder recorder) => recorder.IsOn ? Edge.TenantOf(context)
        : throw new ApiException(
            404, ErrorCodes.InvalidRequest, "console_off",
            "This gateway keeps no decisions for the console, since Gateway:ConsoleDecisions is 0. Set it to how many are to be shown.");

    internal static int Minutes(HttpContext context) => Number(context, "minutes", 60, 1, TenantTraffic.LongestMinutes);

    private Task DecisionsAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var (tenant, limit, before) = (recorder.Of(Watched(context, recorder)).Number, Number(context, "limit", 100, 1, MostRows), query["before"].ToString());
        var (model, reason, user) = (query["model"].ToString(), query["reason"].ToString(), query["user"].ToString());
        var number = model.Length == 0 ? -1 : recorder.ModelNumbers.Find(model);
        var (hash, pseudonym) = user.Length == 0 ? (0, "") : (secrets.HashOf(Edge.TenantOf(context), user), user.TrimStart('~'));
        var wanted = reason.Length == 0 ? -1 : Array.FindIndex(s_reasons, r => ConsoleNames.Of(r) == reason);
        var last = JournalEntry.Parse(before);
        var (found, total, next, isAfter, reasons) = (new List<RowView>(), 0, default(string), before.Length == 0, 0);
        foreach (var entry in recorder.Journal.NewestFirst(tenant))
        {
            ref readonly var r = ref entry.Record;
            reasons |= 1 << (byte)r.Reason;
            if ((model.Length > 0 && r.Model != number && r.Served != number)
                || (reason.Length > 0 && (byte)r.Reason != wanted)
                || (user.Length > 0 && r.User != hash && ConsoleNames.Pseudonym(r.User) != pseudonym))
            {
                continue;
            }

            total++;
            if (isAfter && found.Count < limit)
            {
                found.Add(rows.Row(entry));
            }
            else if (isAfter)
            {
                next ??= found[^1].Id; // there is one more
            }

            isAfter |= (r.TimeMs, r.Nonce) == last;
        }

        return WriteAsync(context, new DecisionsView([.. found], total, next, [.. s_reasons.Where(r => (reasons & (1 << (byte)r)) != 0).Select(ConsoleNames.Of)]));
    }

    private async Task DecisionAsync(HttpContext context)
    {
        var (tenant, id) = (Watched(context, recorder), (string)context.Request.RouteValues["decision"]!);
        var wanted = JournalEntry.Parse(id);
        if (wanted is null && id.Length == ReceiptSealer.TokenLength)
        {
            var receipt = await lookup.OpenAsync(Edge.CallerOf(context), id, null, context.RequestAborted).ConfigureAwait(false);
            wanted = (receipt.DecisionTimeMs, receipt.Nonce);
        }

        if (wanted is { } decision && lookup.Remembered(tenant, decision.TimeMs, decision.Nonce) is { } found)
        {
            await WriteAsync(context, found).ConfigureAwait(false);
            return;
        }

        throw new ApiException(
            404, ErrorCodes.InvalidRequest, "unknown_decision",
            $"The decision '{id[..Math.Min(id.Length, 40)]}' is not among those this gateway keeps ({settings.Gateway.ConsoleDecisions} at most, "
                + $"of this process). Take an id of GET {Root}/decisions, or a receipt to GET {DecisionEndpoint.Root}/{{receipt}}, which also reads the decision log.",
            "decision");
    }
}
