using System.Globalization;
using System.Text;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;

namespace MetaRouter.Benchmarks;

/// <summary>
/// How a decision's time depends on the number of models, the length of the request and the user's history. Every decision is timed by itself, so that there are
/// percentiles.
/// </summary>
internal static class DecisionGrid
{
    private const int Turns = 120;
    private const int Different = 128;
    private const int Megabyte = 1 << 20;

    private static readonly (int Models, int Tokens, int History)[] Rows =
    [
        .. new[] { 2, 4, 8, 16, 32, 64 }.Select(models => (models, 200, 20)),
        .. new[] { 10, 50, 1_000, 10_000 }.Select(tokens => (8, tokens, 20)),
        .. new[] { 0, 64 }.Select(history => (8, 200, history)),
    ];

    /// <summary>The tables, as Markdown.</summary>
    public static string Run()
    {
        var rows = Rows.Select(r => new TimedRow($"{r.Models:N0} models, {r.Tokens:N0} tokens, {r.History} signals", Decisions(r.Models, r.Tokens, r.History))).ToList();
        rows.Add(new TimedRow("8 models, a request of 1 MB, 20 signals", Decisions(8, [new RouteRequest(Large()) { PromptTokens = 100_000 }], 20)));
        rows.Add(new TimedRow("8 models, 200 tokens, 64 signals, the first decision after feedback", AfterFeedback(64)));

        TimedRow.TakeTurns(rows, Turns);
        var text = new StringBuilder(TimedRow.Table("a decision", rows));
        var (eight, sixtyFour) = (rows[2], rows[5]);
        text.Append(CultureInfo.InvariantCulture, $"\n64 models over 8, p50: {sixtyFour.Quantile(0.5) / eight.Quantile(0.5):0.00}. ")
            .Append(CultureInfo.InvariantCulture, $"Decisions a second on one core, 200 tokens, 8 models: {1e6 / eight.Mean:N0} by the mean, {1e6 / eight.Quantile(0.5):N0} by the median.\n");
        return text.ToString();
    }

    private static Action<int> Decisions(int models, int tokens, int history) =>
        Decisions(models, [.. Workload.Requests(tokens, tokens > 1_000 ? 8 : Different).Select(t => new RouteRequest(t))], history);

    private static Action<int> Decisions(int models, RouteRequest[] requests, int history)
    {
        var (user, scratch, token) = (Workload.User(Workload.Pool(models), history), new RequestEncoding(), new byte[ReceiptSealer.TokenLength]);
        return i => user.Decide(requests[i % requests.Length], Workload.Policy, Workload.Moment(i), scratch).WriteToken(token);
    }

    /// <summary>A user whose belief is still to be drawn from the window.</summary>
    private static Action<int> AfterFeedback(int history)
    {
        var (user, scratch, token) = (Workload.User(Workload.Pool(8), history), new RequestEncoding(), new byte[ReceiptSealer.TokenLength]);
        var requests = Workload.Requests(200, Different).Select(t => new RouteRequest(t)).ToArray();
        return i => new UserModel(user.Pool, user.State).Decide(requests[i % requests.Length], Workload.Policy, Workload.Moment(i), scratch).WriteToken(token);
    }

    private static string Large()
    {
        var text = new StringBuilder(Megabyte + 2_000);
        for (var part = 0; text.Length < Megabyte; part++)
        {
            text.Append(Workload.Requests(200, 1, seed: part)[0]).Append('\n');
        }

        return text.ToString(0, Megabyte);
    }
}
