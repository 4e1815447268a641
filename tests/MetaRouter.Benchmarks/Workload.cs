using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Benchmarks;

/// <summary>What every benchmark runs on: the shipped snapshot, a catalog of its models, and requests of ordinary English words from a seed.</summary>
internal static class Workload
{
    private const string Words = """
        the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there would their
        we him been has when who will no more if out so said what up its about into than them can only other new some could time these two may then do first any my
        now such like our over man me even most made after also did many before must through back years where much your way well down should because each just those
        people how too little state good very make world still own see men work long get here between both life being under never day same another know while last
        might us great old year off come since against go came right used take three states himself few house use during without again place around however home
        explain calculate function return value number following statement which energy force mass velocity equation solve probability market price demand supply
        python code list string array integer sort algorithm data model court law contract evidence patient treatment cell protein acid reaction theory argument
        history war government policy population economy interest rate company income temperature pressure volume electron field wave light water surface answer question
        """;

    public static Snapshot Snapshot => Snapshot.Default;

    /// <summary>The first <paramref name="models"/> of the snapshot's models, repeated under other names when it has fewer.</summary>
    public static RoutingPool Pool(int models)
    {
        var known = Snapshot.Models;
        return new RoutingPool(Snapshot, new ModelCatalog(Enumerable.Range(0, models).Select(i => i < known.Count
            ? known[i]
            : known[i % known.Count] with { Id = new ModelId($"{known[i % known.Count].Id}-{i}"), Sibling = known[i % known.Count].Id })));
    }

    /// <summary>Requests of about so many tokens (three words to four tokens, as in English prose), all different.</summary>
    public static string[] Requests(int tokens, int count, int seed = 7)
    {
        var words = Words.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => string.Join(' ', Enumerable.Range(0, tokens * 3 / 4).Select(i => words[random.Next(words.Length)] + (i % 14 == 13 ? "," : i % 31 == 30 ? ".\n" : ""))))];
    }

    public static RoutingPolicy Policy { get; } = new(new ReceiptSealer([new ReceiptKey(1, new byte[32])]), new Guardrails(), new ExplorationPolicy());

    public static DecisionMoment Moment(int i) => new(1, 2, 1_800_000_000_000 + (i * 60_000L), (uint)i & SignalKey.MaxNonce, 0.5);

    /// <summary>A user with so many signals.</summary>
    public static UserModel User(RoutingPool pool, int signals)
    {
        var (user, scratch) = (new UserModel(pool, UserState.Empty), new Core.Text.RequestEncoding());
        var requests = Requests(60, 64);
        for (var i = 0; i < signals; i++)
        {
            var decision = user.Decide(new RouteRequest(requests[i % 64]), Policy, Moment(i), scratch);
            user = user.Learn(decision.Receipt, FeedbackKind.Thumb, (byte)(i % 3 == 0 ? 0 : 1), Moment(i).TimeMs + 5_000, false, out _);
        }

        return user;
    }
}
