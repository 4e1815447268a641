using System.Diagnostics;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;

namespace MetaRouter.Benchmarks;

/// <summary>What a decision and a word of feedback are made of, each part by what it depends on.</summary>
internal static class PartsGrid
{
    private const int Turns = 60;
    private const int Different = 128;
    private static readonly int[] s_models = [2, 4, 8, 16, 32, 64], s_tokens = [10, 50, 200, 1_000, 10_000], s_histories = [0, 1, 8, 64];

    /// <summary>The table, as Markdown.</summary>
    public static string Run()
    {
        TimedRow[] rows =
        [
            .. s_tokens.Select(tokens => new TimedRow($"encode {tokens:N0} tokens", Encode(tokens))),
            .. s_models.Select(models => new TimedRow($"predict {models} models", Predict(models))),
            .. s_models.Select(models => new TimedRow($"decide among {models} models, the receipt not sealed yet", Decide(models))),
            new TimedRow("seal a receipt", Seal()),
            new TimedRow("open a receipt", Open()),
            .. s_histories.Select(signals => new TimedRow($"learn, a history of {signals}", Learn(signals))),
            .. s_histories.Select(signals => new TimedRow($"state to bytes and back, a history of {signals}", RoundTrip(signals))),
            .. s_models.Select(models => new TimedRow($"snapshot from its bytes, for a catalog of {models} models", Load(models))),
        ];
        TimedRow.TakeTurns(rows, Turns);
        return TimedRow.Table("a part", rows);
    }

    private static Action<int> Encode(int tokens)
    {
        var (texts, scratch) = (Workload.Requests(tokens, tokens > 1_000 ? 8 : Different), new RequestEncoding());
        return i => Workload.Snapshot.Encoder.Encode(texts[i % texts.Length], scratch);
    }

    private static Action<int> Predict(int models)
    {
        var pool = Workload.Pool(models);
        var encoded = Workload.Requests(200, Different).Select(text =>
        {
            var encoding = new RequestEncoding();
            Workload.Snapshot.Encoder.Encode(text, encoding);
            return encoding;
        }).ToArray();
        var (outcomes, tokens, projected) = (new Outcome[models], new float[models], new float[pool.Projected]);
        return i => pool.Predict(encoded[i % Different], float.NaN, outcomes, tokens, projected);
    }

    /// <summary>What comes after predicting, the receipt still to be sealed.</summary>
    private static Func<int, long> Decide(int models)
    {
        var (user, scratch, began) = (Workload.User(Workload.Pool(models), 20), new RequestEncoding(), 0L);
        var requests = Workload.Requests(200, Different).Select(t => new RouteRequest(t)).ToArray();
        Action<DecisionStep> enters = step => began = step == DecisionStep.Decide ? Stopwatch.GetTimestamp() : began;
        return i =>
        {
            user.Decide(requests[i % Different], Workload.Policy, Workload.Moment(i), scratch, enters);
            return began;
        };
    }

    private static Action<int> Seal()
    {
        var (receipt, token) = (Decision().Receipt, new byte[ReceiptSealer.TokenLength]);
        return _ => Workload.Policy.Sealer.Seal(receipt, token);
    }

    private static Action<int> Open()
    {
        var decision = Decision();
        var token = decision.Token;
        return _ => Workload.Policy.Sealer.Open(token, 1, 2, decision.Receipt.DecisionTimeMs + 1_000, out var _);
    }

    private static Action<int> Learn(int signals)
    {
        var (user, receipt) = (Workload.User(Workload.Pool(8), signals), Decision().Receipt);
        return i =>
        {
            var next = receipt with { DecisionTimeMs = receipt.DecisionTimeMs + i };
            user.Learn(next, FeedbackKind.Thumb, 1, next.DecisionTimeMs + 1_000, false, out _);
        };
    }

    private static Action<int> RoundTrip(int signals)
    {
        var state = Workload.User(Workload.Pool(8), signals).State;
        return _ => UserState.Read(state.ToBytes());
    }

    private static Action<int> Load(int models)
    {
        var (bytes, catalog) = (SnapshotCodec.Write(Workload.Snapshot), Workload.Pool(models).Catalog);
        return _ => GC.KeepAlive(new RoutingPool(SnapshotCodec.Read(bytes), catalog));
    }

    private static RouteDecision Decision() =>
        Workload.User(Workload.Pool(8), 20).Decide(new RouteRequest("Which planet has the most moons?"), Workload.Policy, Workload.Moment(1_000), new RequestEncoding());
}
