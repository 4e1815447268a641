using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Grading;

namespace MetaRouter.Evaluation.Tests.Grading;

public sealed class GradingPromptReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Lines_OfEveryForm_AreRead()
    {
        var (prompts, bad) = GradingPromptReader.Read(_folder.Write("asked.jsonl",
            """{"id":"a","dataset":"d","query":"one","answer":"eins"}""",
            """{"text":"two","answer":[2,"zwei"]}""",
            """{"id":7,"prompt":"three","answer":null}""",
            """{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"first"},{"role":"assistant","content":"x"},{"role":"user","content":[{"type":"text","text":"four"},{"type":"image_url","image_url":{"url":"data:"}}]}]}"""));

        bad.Count.ShouldBe(0);
        prompts.Select(p => p.Query).ShouldBe(["one", "two", "three", "four"]);
        prompts.Select(p => p.Dataset).ShouldBe(["d", "asked", "asked", "asked"]);
        prompts.Select(p => p.Line).ShouldBe([1, 2, 3, 4]);
        (prompts[0].Id, prompts[2].Id).ShouldBe(("a", "7"));
        prompts[1].References.ShouldBe(["2", "zwei"]);
        prompts[2].References.ShouldBeEmpty();
        prompts[0].Messages.ShouldBe("""[{"role":"user","content":"one"}]""");
        prompts[3].Messages.ShouldStartWith("""[{"role":"system","content":"Be brief."}""");
    }

    /// <summary>Else a line put in at the top of the file would make every prompt another.</summary>
    [Fact]
    public void Ids_ThatNobodyGave_AreTheTexts()
    {
        var first = GradingPromptReader.Read(_folder.Write("a.txt", "one", "two")).Prompts;
        var later = GradingPromptReader.Read(_folder.Write("b.txt", "none", "two", "one")).Prompts;

        first.Single(p => p.Query == "one").Id.ShouldBe(later.Single(p => p.Query == "one").Id);
        later.Select(p => p.Id).ShouldBeUnique();
    }

    [Fact]
    public void OutcomeFile_IsItsRequests()
    {
        var (prompts, bad) = GradingPromptReader.Read(_folder.Write("own.jsonl",
            """{"id":"1","dataset":"d","query":"one","models":{"small":{"score":1}}}""",
            """{"id":"1","dataset":"d","query":"one","models":{"large":{"score":1}}}"""));

        bad.Count.ShouldBe(0);
        prompts.ShouldHaveSingleItem().Id.ShouldBe("1");
    }

    [Fact]
    public void Table_NeedsQueriesOnly()
    {
        var prompts = GradingPromptReader.Read(_folder.Write("asked.csv", "ID;query;Answer", "a;one, or two;1,5", ";\"three\nfour\";")).Prompts;

        prompts.Select(p => (p.Line, p.Query)).ShouldBe([(2, "one, or two"), (3, "three\nfour")]);
        (prompts[0].Id, prompts[0].Dataset).ShouldBe(("a", "asked"));
        prompts[0].References.ShouldBe(["1,5"]);
        prompts[1].References.ShouldBeEmpty();
        Should.Throw<DataFileException>(() => GradingPromptReader.Read(_folder.Write("none.csv", "text,answer", "a,b"))).Message.ShouldContain("the header has no column query; it has text, answer. A row is a request");
    }

    [Fact]
    public void TableOfOutcomes_IsItsRequests()
    {
        var (prompts, bad) = GradingPromptReader.Read(_folder.Write("own.csv", "id,query,model,score", "1,one,small,1", "1,one,large,1", "2,two,large,0"));

        bad.Count.ShouldBe(0);
        prompts.Select(p => (p.Id, p.Query)).ShouldBe([("1", "one"), ("2", "two")]);
    }

    [Fact]
    public void BadLines_AreToldWithTheirNumber()
    {
        var (prompts, bad) = GradingPromptReader.Read(_folder.Write("asked.jsonl",
            """{"id":"a","query":"one"}""", """{"id":"a","query":"two"}""", """{"query":"one"}""", "{}", "[1]", "no", """{"query":"x","answer":{}}""", """{"messages":[{"role":"system","content":"s"}]}"""));

        prompts.Count.ShouldBe(1);
        bad.First.Select(b => b.ToString()).ShouldBe([
            "line 2: id 'a' has another request on line 1",
            "line 3: the request of line 1 again",
            "line 4: has no query, text or prompt, nor messages with a user's text",
            bad.First[3].ToString(), bad.First[4].ToString(),
            "line 7: 'answer' is neither a text, a number nor a list of them, or is empty",
            "line 8: has no query, text or prompt, nor messages with a user's text"]);
        bad.First[3].Problem.ShouldStartWith("not a JSON object: ");
        Should.Throw<DataFileException>(() => GradingPromptReader.Read(_folder.Write("none.jsonl", "{}"))).Message.ShouldContain("no request. First problem: line 1");
    }
}
