using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Tests;
using MetaRouter.RouterContract;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetaRouter.Faults;

/// <summary>
/// Random schedules over a real store: two routers, three clients, two users; words, repeats, changes of mind, withdrawals, erasures, looks; saves that fail, answers
/// that get lost, routers that begin anew with nothing in memory. The plan follows from the seed, how the clients interleave from the machine. A clock that goes on a second at every step tells words apart.
/// </summary>
internal static class Schedules
{
    private const string Tenant = "schedules";
    private const int Clients = 3, Users = 2, Steps = 14;
    private static readonly byte[] Keys = [.. Enumerable.Range(0, RouterSecrets.Bytes).Select(i => (byte)(i * 5))];
    private static readonly RoutingPool Pool = RoutingPool.OfSnapshot(Snapshot.Default);

    public static async Task<Verdict> RunManyAsync(IUserStore store, int firstSeed, int count)
    {
        var verdicts = new Verdict[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, _) => verdicts[i] = await RunAsync(store, firstSeed + i));
        return verdicts.Select((v, i) => v with { Problems = [.. v.Problems.Select(p => $"seed {firstSeed + i}: {p}")] }).Aggregate((a, b) => a + b);
    }

    public static async Task<Verdict> RunAsync(IUserStore store, int seed)
    {
        var history = new History();
        var time = new ManualTime();
        var nodes = new Node[] { new(store, time), new(store, time) };
        try
        {
            await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => ActAsync(nodes, history, time, new Random((seed * Clients) + client), seed))));
        }
        finally
        {
            foreach (var node in nodes)
            {
                node.Dispose();
            }
        }

        var final = new Dictionary<string, IReadOnlyList<Signal>>();
        foreach (var user in Enumerable.Range(0, Users).Select(u => Name(seed, u)))
        {
            var secrets = RouterSecrets.Read(Keys)!;
            var record = await store.LoadAsync(new UserKey(IdentityHash.Compute(secrets.IdentitySecret, Tenant), secrets.HashOf(Tenant, user)));
            final[user] = record.State.Length == 0 ? [] : [.. UserState.Read(record.State).Signals];
        }

        return HistoryChecker.Check(history, final);
    }

    private static string Name(int seed, int user) => FormattableString.Invariant($"s{seed}-{user}");

    private static async Task ActAsync(Node[] nodes, History history, ManualTime time, Random random, int seed)
    {
        var said = new List<(Said Said, string Token)>();
        for (var step = 0; step < Steps; step++)
        {
            var user = Name(seed, random.Next(Users));
            var node = nodes[random.Next(nodes.Length)];
            time.Advance(TimeSpan.FromSeconds(1));
            switch (random.Next(100))
            {
                case < 40:
                    var decidedAt = history.Next();
                    var decision = await node.Life.Router.RouteAsync(Tenant, user, new RouteRequest(FormattableString.Invariant($"Question {step}")) { MayCompare = false });
                    var key = new SignalKey(decision.Receipt.DecisionTimeMs, decision.Receipt.Nonce, FeedbackKind.Thumb);
                    said.Add((await SayAsync(nodes[random.Next(nodes.Length)], history, new Said(user, 0, decidedAt, key, (byte)random.Next(2), false, key.DecisionTimeMs, 0, 0, Reply.Unknown), decision.Token), decision.Token));
                    break;
                case < 60 when said.Count > 0:
                    var (again, receipt) = said[random.Next(said.Count)];
                    await SayAsync(node, history, again, receipt);
                    break;
                case < 70 when said.Count > 0:
                    var (before, token) = said[random.Next(said.Count)];
                    await SayAsync(node, history, before with { Value = (byte)(1 - before.Value), Withdrawn = random.Next(3) == 0, SaidMs = SecondsLater(before.Key.DecisionTimeMs, time) }, token);
                    break;
                case < 74:
                    var began = history.Next();
                    await node.Life.Router.EraseAsync(Tenant, user);
                    history.Add(new Erased(user, began, history.Next()));
                    break;
                case < 84:
                    node.Store.FailNextSave();
                    break;
                case < 92:
                    node.Store.LoseNextAnswer();
                    break;
                case < 95:
                    node.Restart();
                    break;
                default:
                    var look = history.Next();
                    var life = node.Life;
                    var state = (await life.Router.GetUserAsync(Tenant, user)).State;
                    history.Add(new Seen(user, life.Number, look, state.Signals.Select(s => s.Key).ToHashSet()));
                    break;
            }
        }
    }

    /// <summary>Now, in whole seconds after the decision: a record keeps a word's time less finely.</summary>
    private static long SecondsLater(long decisionTimeMs, ManualTime time) => decisionTimeMs + ((time.GetUtcNow().ToUnixTimeMilliseconds() - decisionTimeMs) / 1000 * 1000);

    private static async Task<Said> SayAsync(Node node, History history, Said what, string token)
    {
        var (began, life, reply) = (history.Next(), node.Life, Reply.Unknown);
        try
        {
            var result = await life.Router.LearnAsync(Tenant, what.User, new Feedback(token, FeedbackKind.Thumb, what.Value) { Withdrawn = what.Withdrawn, OccurredAt = DateTimeOffset.FromUnixTimeMilliseconds(what.SaidMs!.Value) });
            reply = result.IsErased ? Reply.Refused : result.Counted ? Reply.Counted : result.Receipt.IsValid ? Reply.Known : throw new InvalidOperationException(result.Receipt.Message);
        }
        catch (StoreException)
        {
            // It may have been saved all the same.
        }

        var said = what with { Node = life.Number, Began = began, Ended = history.Next(), Reply = reply };
        history.Add(said);
        return said;
    }

    /// <summary>A router from its start to its end; the next one knows nothing of it.</summary>
    private sealed record Life(InProcessRouter Router, int Number);

    private sealed class Node : IDisposable
    {
        private static int s_lives;
        private static readonly RouterMetrics s_metrics = new();
        private readonly DecisionLog _log = new("", 100, s_metrics, NullLogger<DecisionLog>.Instance);
        private readonly TimeProvider _time;
        private volatile Life _life;

        public Node(IUserStore inner, TimeProvider time)
        {
            (Store, _time) = (new FaultyStore(inner), time);
            _life = Make();
        }

        public FaultyStore Store { get; }

        public Life Life => _life;

        /// <summary>With nothing in memory. What is under way in the one before goes on, as in a process that dies slowly.</summary>
        public void Restart() => _life = Make();

        public void Dispose() => _log.Dispose();

        private Life Make()
        {
            var secrets = RouterSecrets.Read(Keys)!;
            var policy = new RoutingPolicy(new ReceiptSealer(secrets.ReceiptKeys), new Guardrails(), new ExplorationPolicy());
            return new Life(new InProcessRouter(Store, new PoolHolder(Pool), policy, secrets, _time, s_metrics, _log, NullLogger<InProcessRouter>.Instance, usersInMemory: 64), Interlocked.Increment(ref s_lives));
        }
    }
}
