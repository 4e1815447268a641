using System.Globalization;
using System.Text;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;
using Xunit.Abstractions;

namespace MetaRouter.Hosting.Tests.Protocol;

/// <summary>
/// Feedback with etag, retry, idempotency and erasure over two nodes, in every order of steps of some small cases: nothing acknowledged is lost, nothing counts twice, who is
/// erased stays erased, a node never forgets what it acknowledged itself, and when all is quiet both nodes believe what the store holds.
/// </summary>
public sealed class ProtocolTests(ITestOutputHelper output)
{
    private static readonly ProtocolCase[] Small =
    [
        new("one word, said until answered", Crashes: 1, Evictions: 1, Losses: 1, new Client(Operation.Learn, Node: 0, Tries: 2)),
        new("a word and a change of mind", 0, 0, 1, new Client(Operation.Learn, 0, 2, SaidMs: 1_000, Value: 1), new Client(Operation.Learn, 1, 1, SaidMs: 2_000, Value: 0)),
        new("a word and an erasure", 1, 0, 0, new Client(Operation.Learn, 0, 2), new Client(Operation.Erase, 1, 1)),
        new("words before and after an erasure", 0, 1, 0, new Client(Operation.Learn, 0, 1), new Client(Operation.Learn, 1, 1, DecidedMs: 10_000), new Client(Operation.Erase, 0, 1)),
        new("two words and a reader", 0, 0, 0, new Client(Operation.Learn, 0, 1), new Client(Operation.Learn, 1, 1, DecidedMs: -5_000), new Client(Operation.Read, 0, 1)),
    ];

    private static readonly ProtocolCase[] Large =
    [
        new("two words, a reader, and no room for the user", 0, 1, 0, new Client(Operation.Learn, 0, 1), new Client(Operation.Learn, 1, 1, DecidedMs: -5_000), new Client(Operation.Read, 0, 1)),
        new("words before and after an erasure, with a crash", 1, 1, 0, new Client(Operation.Learn, 0, 1), new Client(Operation.Learn, 1, 1, DecidedMs: 10_000), new Client(Operation.Erase, 0, 1)),
        new("a word and an erasure, both until answered", 1, 0, 0, new Client(Operation.Learn, 0, 2), new Client(Operation.Erase, 1, 2)),
        new("three words on two nodes", 0, 0, 0, new Client(Operation.Learn, 0, 1), new Client(Operation.Learn, 1, 1, DecidedMs: -5_000), new Client(Operation.Learn, 0, 1, DecidedMs: -7_000)),
        new("one word, three tries, two failures of the store", 0, 1, 2, new Client(Operation.Learn, 0, 3)),
        new("a change of mind, both said until answered", 0, 0, 1, new Client(Operation.Learn, 0, 2, SaidMs: 1_000, Value: 1), new Client(Operation.Learn, 1, 2, SaidMs: 2_000, Value: 0)),
    ];

    private static readonly ProtocolCase FastClock =
        new("a word on a decision dated ahead, one on a later decision, and an erasure", 0, 1, 0, new Client(Operation.Learn, 0, 2, DecidedMs: 20_000) { IsAhead = true }, new Client(Operation.Learn, 1, 1, DecidedMs: 10_000), new Client(Operation.Erase, 1, 1));

    /// <summary>Explored once, whichever test asks first.</summary>
    private static readonly Dictionary<string, Lazy<Exploration>> s_explored = Small.Concat(Large).Append(FastClock).ToDictionary(c => c.Name, c => new Lazy<Exploration>(() => Explorer.Explore(c)));

    public static TheoryData<string> SmallCases => [.. Small.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(SmallCases))]
    public void EveryOrderOfSteps_KeepsThePromises(string name)
    {
        var of = Small.Single(c => c.Name == name);
        Repository.Read("docs", "results", "protocol.md").ShouldContain(Row(of, Explore(of)), customMessage: "the page is of another protocol; write it again");
    }

    [Fact]
    public void DatesAlone_WithAClockThatRunsFast_BringBackWhatWasErased() =>
        Explorer.Explore(FastClock, Mutation.DatesAlone).Violation.ShouldNotBeNull().ShouldContain("Erased, and back");

    /// <summary>All cases, and the table of them; some minutes.</summary>
    [LongFact]
    public void EveryOrderOfSteps_OfAllCases_KeepsThePromises()
    {
        var table = new StringBuilder("""
            # The protocol of feedback, explored

            Written by `METAROUTER_LONG_TESTS=1 dotnet test -c Release tests/MetaRouter.Hosting.Tests --filter "FullyQualifiedName~ProtocolTests"`. Two real routers over one store take their steps in every order: a client sends, and sends again to the other node while it has no answer; the store applies a call; a node gets the answer; a call fails before or after it was applied; a node dies, its writes still under way; a node forgets the user. In every state: nothing acknowledged is lost, nothing counts twice, who is erased stays erased, a node does not forget what it acknowledged itself; in every quiet state both nodes believe what the store holds. The cases are in ProtocolTests.cs; those above the line run in every build, and with each of five mistakes built in (no etag check, etags that come again, acknowledging before the write, no memory of receipts, no tombstone) one of them finds it; a sixth, to believe a decision's date where clocks disagree, is found by the last case.

            | case | states | steps | quiet states | violations |
            |---|---:|---:|---:|---:|

            """);
        foreach (var (i, of) in Small.Concat(Large).Append(FastClock).Index())
        {
            table.Append(i == Small.Length ? "| | | | | |\n" : "").Append(Row(of, Explore(of)));
            File.WriteAllText(Path.Combine(Repository.Root, "docs", "results", "protocol.md"), table.ToString());
        }
    }

    /// <summary>What each mistake breaks, and the case that shows it.</summary>
    [Theory]
    [InlineData(Mutation.NoEtagCheck, "a word and a change of mind", "not in the store")]
    [InlineData(Mutation.EtagsComeAgain, "two words and a reader", "believes other signals")]
    [InlineData(Mutation.AcknowledgeFirst, "one word, said until answered", "not in the store")]
    [InlineData(Mutation.NoReceiptMemory, "one word, said until answered", "Counted 2 times")]
    [InlineData(Mutation.NoTombstone, "a word and an erasure", "Erased, and back")]
    public void EachMistakeInTheProtocol_IsFound(Mutation mutation, string name, string told)
    {
        var found = Explorer.Explore(Small.Single(c => c.Name == name), mutation);

        output.WriteLine($"{mutation}: {found.States} states; {found.Violation}");
        found.Violation.ShouldNotBeNull().ShouldContain(told);
    }

    /// <summary>What was explored holds of the stores in use: they answer the same calls in the same way.</summary>
    [RedisFact]
    public async Task Traces_OnRedisAndSqlite_AreAnsweredAsInTheExploration()
    {
        var traces = Small.Where(c => c.Clients.Any(o => o.Operation == Operation.Erase)).SelectMany(c => s_explored[c.Name].Value.Traces).ToArray();
        traces.Length.ShouldBeGreaterThan(20);
        await using var server = await RedisServer.StartAsync("--appendfsync", "no");
        using var folder = new TemporaryFolder();
        await using var redis = RedisUserStore.Open(server.Address);
        await using var sqlite = SqliteUserStore.Open(folder.File("users.db"));
        foreach (var store in (IUserStore[])[redis, sqlite])
        {
            for (var i = 0; i < traces.Length; i++)
            {
                await ReplayAsync(store, new UserKey(1, (ulong)i + 1), traces[i]);
            }
        }
    }

    private static string Row(ProtocolCase of, Exploration found) => string.Create(CultureInfo.InvariantCulture, $"| {of.Name} | {found.States:n0} | {found.Steps:n0} | {found.Quiet:n0} | 0 |\n");

    private Exploration Explore(ProtocolCase of)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var found = s_explored[of.Name].Value;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{of.Name}: {found.States:n0} states, {found.Steps:n0} steps, {found.Quiet:n0} quiet states, {clock.Elapsed.TotalSeconds:0.0} s"));
        found.Violation.ShouldBeNull();
        found.Quiet.ShouldBeGreaterThan(5);
        found.Traces.ShouldNotBeEmpty();
        return found;
    }

    private static async Task ReplayAsync(IUserStore store, UserKey key, IReadOnlyList<StoreCall> trace)
    {
        var etags = new Dictionary<long, long> { [0] = 0 };
        foreach (var call in trace)
        {
            switch (call.Operation)
            {
                case Operation.Read:
                    var record = await store.LoadAsync(key);
                    (record.State.Length, record.ErasedAtMs).ShouldBe((call.Result.State.Length, call.Result.ErasedAtMs));
                    record.State.ShouldBe(call.Result.State);
                    (etags.TryGetValue(call.Result.Etag, out var known) ? known : etags[call.Result.Etag] = record.Etag).ShouldBe(record.Etag);
                    break;
                case Operation.Learn:
                    var etag = await store.SaveAsync(key, call.State, etags[call.Etag]);
                    (etag > 0).ShouldBe(call.Result.Etag > 0, $"save if {call.Etag}");
                    etags[call.Result.Etag] = etag;
                    break;
                default:
                    await store.EraseAsync(key, call.Etag);
                    break;
            }
        }
    }
}
