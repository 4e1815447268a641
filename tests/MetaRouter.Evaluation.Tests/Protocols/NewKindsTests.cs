using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class NewKindsTests : IDisposable
{
    private static readonly Pool s_pool = new("kinds", "kinds", [new ModelId("poet"), new ModelId("mathematician"), new ModelId("lawyer")]);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_EveryKindHasAModelOfItsOwn_NothingIsEarnedUntilSomeAreGraded()
    {
        _folder.Write("kinds.jsonl", Lines(260));
        var reports = NewKinds.Run(_folder.Path, s_pool, [() => new MetaRouterModel()], 1, null, default);

        reports.Select(r => r.Protocol).ShouldBe(["kinds, 0 graded", "kinds, 20 graded", "kinds, 100 graded"]);
        var (none, some) = (reports[0].Rows.ToDictionary(r => r.Router), reports[2].Rows.ToDictionary(r => r.Router));
        none.Keys.ShouldBe(["metarouter", "best-single", "oracle"]);
        some.Keys.ShouldBe(["metarouter", "best-single", "best-single of the kind", "oracle"]);

        // All models cost alike. Those of the other two kinds each answer half of what the training rows hold, the kind's own none of it: whoever is chosen fails.
        none["metarouter"].Quality["0"].ShouldBe(0, .2);
        none["oracle"].Quality["0"].ShouldBe(1, 1e-6);
        some["best-single of the kind"].Quality["0"].ShouldBe(1, 1e-6);
        some["metarouter"].Quality["0"].ShouldBeGreaterThan(.9);
        some["metarouter"].GainMeanCi.Low.ShouldBeGreaterThan(.5);
        some["metarouter"].Lead.ShouldBeNull();
    }

    [Fact]
    public void Run_Twice_GivesTheSameBytes()
    {
        _folder.Write("kinds.jsonl", Lines(250));
        string Json() => ReportJson.Write(NewKinds.Run(_folder.Path, s_pool, [() => new Knn(byWords: true)], 2, null, default));
        Json().ShouldBe(Json());
    }

    [Fact]
    public void Run_OneKind_SaysWhatIsMissing()
    {
        _folder.Write("kinds.jsonl", [.. Lines(260).Where(l => l.Contains("\"poems\"", StringComparison.Ordinal))]);
        Should.Throw<DataFileException>(() => NewKinds.Run(_folder.Path, s_pool, [() => new MetaRouterModel()], 1, null, default))
            .Message.ShouldContain("with 250 complete and priced rows: poems.");
    }

    /// <summary>Three kinds of so many rows; of each one model answers all and the others nothing.</summary>
    private static string[] Lines(int rows)
    {
        (string Kind, string[] Words)[] kinds = [("poems", ["sonnet", "rhyme", "verse", "stanza"]), ("sums", ["integral", "theorem", "matrix", "prime"]), ("laws", ["contract", "clause", "court", "statute"])];
        return [.. kinds.SelectMany((kind, k) => Enumerable.Range(0, rows).Select(i =>
        {
            var words = string.Join(' ', Enumerable.Range(0, 4).Select(j => kind.Words[(i + (i / 4 * j)) % 4]));
            var models = string.Join(',', s_pool.Models.Select((m, j) => $$"""{{"\""}}{{m}}":{"score":{{(j == k ? 1 : 0)}},"cost_usd":0.001}"""));
            return $$$"""{"id":"{{{kind.Kind}}}-{{{i}}}","dataset":"{{{kind.Kind}}}","query":"{{{words}}} {{{i}}}","models":{{{{models}}}}}""";
        }))];
    }
}
