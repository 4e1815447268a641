using System.Diagnostics;
using System.Globalization;
using System.Text;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests.Protocol;

internal enum StepKind
{
    /// <summary>A client sends, for the first time or again.</summary>
    Send,

    /// <summary>The store does what a call asks.</summary>
    Apply,

    /// <summary>A node gets the store's answer, computes, and goes on to its next call or answers its client.</summary>
    Deliver,

    /// <summary>A call fails: before the store did anything, or after.</summary>
    Lose,

    /// <summary>A node dies, and another takes its place.</summary>
    Crash,

    /// <summary>A node forgets the user for want of room.</summary>
    Evict,
}

/// <param name="Of">A client, a call or a node.</param>
internal readonly record struct Step(StepKind Kind, int Of)
{
    public override string ToString() => $"{Kind} {Of}";
}

/// <summary>
/// Two real routers over one real store, every step of theirs taken when told. A router is a function of what it was told: what each node was told since it started,
/// what the store holds, what is under way and what clients know is therefore the state of everything, and <see cref="Fingerprint"/> writes it down.
/// </summary>
internal sealed class World : IDisposable
{
    private const string Tenant = "acme", Refused = "Erased";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly byte[] Keys = [.. Enumerable.Range(0, RouterSecrets.Bytes).Select(i => (byte)i)];
    private static readonly RouterSecrets Secrets = RouterSecrets.Read(Keys)!;
    private static readonly RoutingPolicy Policy = new(new ReceiptSealer(Secrets.ReceiptKeys), new Guardrails(), new ExplorationPolicy());
    private static readonly PoolHolder Pool = new(RoutingPool.OfSnapshot(Snapshot.Default));
    private static readonly ManualTime Time = new();
    private static readonly long Now = Time.GetUtcNow().ToUnixTimeMilliseconds();
    private static long s_worlds;

    private readonly ProtocolCase _case;
    private readonly Mutation _mutation;
    private readonly Routers _routers;
    private readonly string _user = string.Create(CultureInfo.InvariantCulture, $"u{Interlocked.Increment(ref s_worlds)}");
    private readonly MemoryUserStore _store = new();
    private readonly (InProcessRouter Router, GatedStore Store)[] _node = new (InProcessRouter, GatedStore)[2];
    private readonly StringBuilder[] _told = [new(), new()];
    private readonly List<Try> _tries = [];
    private readonly List<StoreCall> _calls = [];
    private readonly List<StoreCall> _done = [];
    private readonly List<StoreCall> _abandoned = [];
    private int _crashes, _evictions, _losses, _nextCall;
    private bool _isErased;

    public World(ProtocolCase of, Mutation mutation, Routers routers)
    {
        (_case, _mutation, _routers) = (of, mutation, routers);
        Key = new UserKey(IdentityHash.Compute(Secrets.IdentitySecret, Tenant), IdentityHash.Compute(Secrets.IdentitySecret, Tenant, _user));
        routers.Rewind();
        Start(0);
        Start(1);
    }

    public UserKey Key { get; }

    /// <summary>What the store was told, in order, with what it answered.</summary>
    public IReadOnlyList<StoreCall> Done => _done;

    /// <summary>Nobody waits for an answer.</summary>
    public bool IsQuiet => _tries.All(t => t.IsOver);

    public IReadOnlyList<Step> Enabled()
    {
        var steps = new List<Step>();
        for (var c = 0; c < _case.Clients.Length; c++)
        {
            var sent = _tries.Count(t => t.Client == c);
            if (sent < _case.Clients[c].Tries && (_isErased || _case.Clients[c].IsBefore) && !_tries.Any(t => t.Client == c && t.Answer is not null))
            {
                steps.Add(new(StepKind.Send, c));
            }
        }

        foreach (var call in _calls)
        {
            steps.Add(new(call.Phase == Phase.Asked ? StepKind.Apply : StepKind.Deliver, call.Id));
            if (_losses < _case.Losses && !call.IsOrphan)
            {
                steps.Add(new(StepKind.Lose, call.Id));
            }
        }

        for (var n = 0; n < 2; n++)
        {
            if (_crashes < _case.Crashes && _told[n].Length > 0)
            {
                steps.Add(new(StepKind.Crash, n));
            }

            if (_evictions < _case.Evictions && _told[n].Length > 0)
            {
                steps.Add(new(StepKind.Evict, n));
            }
        }

        return steps;
    }

    public void Take(Step step)
    {
        switch (step.Kind)
        {
            case StepKind.Send:
                Send(step.Of);
                break;
            case StepKind.Apply:
                Apply(Call(step.Of));
                break;
            case StepKind.Deliver:
                Deliver(Call(step.Of));
                break;
            case StepKind.Lose:
                _losses++;
                var lost = Call(step.Of);
                _calls.Remove(lost);
                Tell(lost.Node, $"x{lost.Try}");
                lost.Answer.SetException(new StoreException("Lost on the way."));
                break;
            case StepKind.Crash:
                Crash(step.Of);
                break;
            default:
                _evictions++;
                Tell(step.Of, "e");
                _node[step.Of].Router.GetUserAsync(Tenant, "another").AsTask().GetAwaiter().GetResult();
                break;
        }

        Settle();
    }

    public string Fingerprint()
    {
        var record = Stored();
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{record.Etag},{record.ErasedAtMs},{Convert.ToHexString(record.State)}|{_told[0]}|{_told[1]}|{_crashes}{_evictions}{_losses}|");
        foreach (var one in _tries)
        {
            text.Append(one.Client).Append(one.Node).Append(one.IsDead ? "dead" : one.Answer ?? "?").Append(';');
        }

        return text.Append('|').AppendJoin(';', _calls).ToString();
    }

    /// <summary>What must hold at every moment; null: it does.</summary>
    public string? Violation()
    {
        var record = Stored();
        if (!UserState.TryRead(record.State.Length == 0 ? UserState.Empty.ToBytes() : record.State, out var state, out var error))
        {
            return $"The record cannot be read: {error}";
        }

        foreach (var signal in state.Signals)
        {
            if (_isErased && _case.Clients.Any(o => o.Operation == Operation.Learn && o.IsBefore && Now + o.DecidedMs == signal.Key.DecisionTimeMs))
            {
                return $"Erased, and back: a signal on the decision of {signal.Key.DecisionTimeMs - Now} ms.";
            }
        }

        foreach (var twice in state.Signals.CountBy(s => (s.Key.DecisionTimeMs, s.Key.Kind)).Where(s => s.Value > 1))
        {
            return $"Counted {twice.Value} times: feedback on the decision of {twice.Key.DecisionTimeMs - Now} ms.";
        }

        for (var c = 0; c < _case.Clients.Length; c++)
        {
            var client = _case.Clients[c];
            var answers = _tries.Where(t => t.Client == c && t.Answer is not null).Select(t => t.Answer!).ToArray();
            if (client.Operation == Operation.Erase && answers.Length > 0 && record.ErasedAtMs == 0 && _mutation != Mutation.NoTombstone)
            {
                return "An erasure was acknowledged and left no tombstone.";
            }

            if (client.Operation != Operation.Learn)
            {
                continue;
            }

            if (answers.Count(a => a is nameof(AddOutcome.Counted) or nameof(AddOutcome.Replaced)) > 1)
            {
                return $"Client {c} was told twice that its feedback counted.";
            }

            if (answers.Any(a => a != Refused) && !(_isErased && client.IsBefore) && !IsIn(state, client))
            {
                return $"Acknowledged to client {c} ({string.Join(", ", answers)}), and not in the store.";
            }
        }

        return ReadsViolation();
    }

    /// <summary>When all is quiet: both nodes, asked anew, believe what the store holds.</summary>
    public string? DisagreementWhenQuiet()
    {
        var record = Stored();
        var expected = record.State.Length == 0 ? UserState.Empty.ToBytes() : record.State;
        foreach (var (router, store) in _node)
        {
            store.World = null;
            store.Inner = _store;
            var user = router.GetUserAsync(Tenant, _user).AsTask().GetAwaiter().GetResult();
            if (!user.State.ToBytes().AsSpan().SequenceEqual(expected))
            {
                return $"Node {store.Node} believes other signals than the store holds.";
            }
        }

        return null;
    }

    /// <summary>Called by a node's store.</summary>
    public Task<StoredUser> Hold(int node, Operation operation, byte[] state, long etag)
    {
        StoreCall call;
        lock (_calls)
        {
            // From another thread where a turn was handed over, while the explorer's waits for it.
            call = new StoreCall(_nextCall++, GatedStore.Try.Value, node, operation, state, etag);
            _calls.Add(call);
        }

        if (_mutation == Mutation.AcknowledgeFirst && operation == Operation.Learn)
        {
            call.IsOrphan = true;
            return Task.FromResult(new StoredUser([], Math.Max(etag, Stored().Etag) + 1, 0));
        }

        return call.Answer.Task;
    }

    /// <summary>Answers everything that is still under way, so that the routers can be used again. Not by failures: exceptions are what would cost most.</summary>
    public void Dispose()
    {
        _routers.Detach();
        StoreCall[] open;
        lock (_calls)
        {
            open = [.. _calls, .. _abandoned];
            _calls.Clear();
        }

        foreach (var call in open)
        {
            call.Answer.TrySetResult(new StoredUser([], long.MaxValue, 0));
        }

        Await(() => _tries.TrueForAll(t => t.Task.IsCompleted), "a router does not come to an end");
    }

    private StoredUser Stored() => _store.LoadAsync(Key).AsTask().GetAwaiter().GetResult();

    private StoreCall Call(int id) => _calls.First(c => c.Id == id);

    private void Tell(int node, string what) => _told[node].Append(what).Append(' ');

    private void Start(int node)
    {
        _node[node] = _routers.Next();
        (_node[node].Store.World, _node[node].Store.Node) = (this, node);
        _told[node].Clear();
    }

    private void Send(int c)
    {
        var client = _case.Clients[c];
        var count = _tries.Count(t => t.Client == c);
        var node = (client.Node + count) % 2;
        var one = new Try(c, node, _tries.Count) { Incarnation = _crashes, Reads = client.Operation == Operation.Read, Seen = client.Operation == Operation.Read ? [.. Acknowledged(node)] : [] };
        Tell(node, $"s{one.Id}:{c}");
        GatedStore.Try.Value = one.Id;
        _tries.Add(one);
        one.Task = RunAsync(one, client, count);
        GatedStore.Try.Value = -1;
    }

    private async Task<string> RunAsync(Try one, Client client, int count)
    {
        var router = _node[one.Node].Router;
        switch (client.Operation)
        {
            case Operation.Erase:
                await router.EraseAsync(Tenant, _user).ConfigureAwait(false);
                return "Done";
            case Operation.Read:
                var user = await router.GetUserAsync(Tenant, _user).ConfigureAwait(false);
                one.State = user.State;
                return Convert.ToHexString(user.State.ToBytes());
            default:
                var said = client.SaidMs is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(Now + client.DecidedMs + ms) : (DateTimeOffset?)null;
                var result = await router.LearnAsync(Tenant, _user, new Feedback(Receipt(client, count), FeedbackKind.Thumb, client.Value) { OccurredAt = said }).ConfigureAwait(false);
                result.Receipt.IsValid.ShouldBeTrue(result.Receipt.Message);
                return result.IsErased ? Refused : result.Outcome.ToString()!;
        }
    }

    private string Receipt(Client client, int count) => Policy.Sealer.Seal(new Receipt
    {
        TenantHash = Key.Tenant,
        UserHash = Key.User,
        DecisionTimeMs = Now + client.DecidedMs,
        Erasure = client.IsBefore && _mutation != Mutation.DatesAlone ? (ushort)0 : Erasure.Name(Now),
        Nonce = _mutation == Mutation.NoReceiptMemory ? (uint)count : 0,
        ChosenModel = 1,
        Propensity = 1,
        First = new Outcome(0.8f, 0.01f, 1),
        Middle = new Outcome(0.5f, 0.001f, 1),
    });

    private void Apply(StoreCall call)
    {
        var now = Stored();
        call.Result = call.Operation switch
        {
            Operation.Read => now,
            Operation.Learn => new StoredUser([], _store.SaveAsync(Key, call.State, EtagToCheck(call.Etag, now.Etag)).AsTask().GetAwaiter().GetResult(), 0),
            _ => Erase(call.Etag),
        };
        if (_mutation == Mutation.EtagsComeAgain)
        {
            call.Result = call.Result with { Etag = Repeating(call.Result.Etag) };
        }

        call.Phase = Phase.Applied;
        _done.Add(call);
        if (call.IsOrphan)
        {
            _calls.Remove(call); // nobody waits for the answer
        }
    }

    private long EtagToCheck(long given, long now) => _mutation switch
    {
        Mutation.NoEtagCheck or Mutation.AcknowledgeFirst => now,
        Mutation.EtagsComeAgain => given == Repeating(now) ? now : -1,
        _ => given,
    };

    private static long Repeating(long etag) => etag == 0 ? 0 : 1 + (etag % 2);

    private StoredUser Erase(long nowMs)
    {
        _isErased = true;
        if (_mutation == Mutation.NoTombstone)
        {
            _store.SaveAsync(Key, Array.Empty<byte>(), Stored().Etag).AsTask().GetAwaiter().GetResult();
        }
        else
        {
            _store.EraseAsync(Key, nowMs).AsTask().GetAwaiter().GetResult();
        }

        return StoredUser.None;
    }

    private void Deliver(StoreCall call)
    {
        _calls.Remove(call);
        Tell(call.Node, $"d{call.Try}={call.Result.Etag},{call.Result.ErasedAtMs},{Convert.ToHexString(call.Result.State)}");
        call.Answer.SetResult(call.Result);
    }

    private void Crash(int node)
    {
        _crashes++;
        foreach (var one in _tries.Where(t => t.Node == node && !t.IsOver))
        {
            one.IsDead = true;
        }

        foreach (var call in _calls.Where(c => c.Node == node).ToArray())
        {
            _abandoned.Add(call);
            if (call.Phase == Phase.Asked && call.Operation != Operation.Read && _mutation != Mutation.AcknowledgeFirst)
            {
                call.IsOrphan = true; // on the wire already
            }
            else
            {
                _calls.Remove(call);
            }
        }

        Start(node);
    }

    /// <summary>Waits until every node has come to a call of the store or to its end: the turn of a user is handed over by another thread.</summary>
    private void Settle() =>
        Await(() => IsSettled(0) && IsSettled(1), "a node neither calls the store nor answers");

    /// <summary>Spins: what is awaited takes microseconds.</summary>
    private static void Await(Func<bool> condition, string otherwise)
    {
        var (wait, clock) = (new SpinWait(), Stopwatch.StartNew());
        while (!condition())
        {
            clock.Elapsed.ShouldBeLessThan(Patience, otherwise);
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    private bool IsSettled(int node)
    {
        var hasTurn = false;
        foreach (var one in _tries)
        {
            if (one.Node != node || one.IsOver || (hasTurn && !one.Reads))
            {
                continue; // turns are taken in the order of asking: the first that is not over has it, the others wait
            }

            hasTurn |= !one.Reads;
            lock (_calls)
            {
                if (!_calls.Exists(c => c.Try == one.Id && !c.IsOrphan))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static bool IsIn(UserState state, Client client)
    {
        var said = Math.Min(Now, Now + client.DecidedMs + (client.SaidMs ?? 0)) / 1000;
        return state.Signals.Any(s => s.Key.DecisionTimeMs == Now + client.DecidedMs && (client.SaidMs is null || s.ClientTimeMs / 1000 >= said));
    }

    /// <summary>What a node acknowledged since it started.</summary>
    private IEnumerable<int> Acknowledged(int node) =>
        _tries.Where(t => t.Node == node && !t.IsDead && t.Answer is { } answer && answer != Refused && _case.Clients[t.Client].Operation == Operation.Learn && t.Incarnation == _crashes).Select(t => t.Client);

    /// <summary>A node never forgets what it acknowledged itself: who asks it afterwards sees it.</summary>
    private string? ReadsViolation()
    {
        foreach (var read in _tries)
        {
            if (read.State is { } seen && !_isErased && read.Seen.FirstOrDefault(c => !IsIn(seen, _case.Clients[c]), -1) is >= 0 and var forgotten)
            {
                return $"Node {read.Node} acknowledged client {forgotten} and answers without it.";
            }
        }

        return null;
    }

    private sealed class Try(int client, int node, int id)
    {
        public int Client => client;

        public int Node => node;

        public int Id => id;

        public bool Reads { get; init; }

        /// <summary>Of a read: the clients whose feedback must be seen.</summary>
        public int[] Seen { get; init; } = [];

        public int Incarnation { get; init; }

        public UserState? State { get; set; }

        public Task<string> Task { get; set; } = null!;

        public bool IsDead { get; set; }

        public bool IsOver => IsDead || Task.IsCompleted;

        /// <summary>Null: none yet, or the answer was that the store failed.</summary>
        public string? Answer => IsDead || !Task.IsCompleted ? null : Task.IsCompletedSuccessfully ? Task.Result : Task.Exception?.InnerException is StoreException ? null : throw Task.Exception!;
    }

    /// <summary>
    /// Routers for world after world, each with a user of its own, of whom no router has heard: one that was not used in a world is as good as one just started.
    /// </summary>
    internal sealed class Routers : IDisposable
    {
        private readonly List<(InProcessRouter Router, GatedStore Store)> _all = [];
        private readonly RouterMetrics _metrics = new();
        private readonly DecisionLog _log;
        private int _used;

        public Routers() => _log = new DecisionLog("", 1, _metrics, new ErrorLog<DecisionLog>([]));

        public void Rewind() => _used = 0;

        public void Detach() => _all.ForEach(r => r.Store.World = null);

        public (InProcessRouter Router, GatedStore Store) Next()
        {
            if (_used == _all.Count)
            {
                var store = new GatedStore();
                _all.Add((new InProcessRouter(store, Pool, Policy, Secrets, Time, _metrics, _log, new ErrorLog<InProcessRouter>([]), usersInMemory: 2), store));
            }

            return _all[_used++];
        }

        public void Dispose()
        {
            _log.Dispose();
            _metrics.Dispose();
        }
    }
}
