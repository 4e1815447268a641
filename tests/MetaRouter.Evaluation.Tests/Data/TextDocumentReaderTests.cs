using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Tests.Data;

public sealed class TextDocumentReaderTests
{
    [Fact]
    public void Read_GoodAndBadLines_KeepsTheGoodAndNamesTheBad()
    {
        using var folder = new TemporaryFolder();
        var (documents, bad) = TextDocumentReader.Read(folder.Write("t.jsonl.gz", """{"source":"s","text":"hello"}""", "{}", "nonsense", """{"text":"no source"}"""));
        documents.ShouldBe([new TextDocument("s", "hello"), new TextDocument("", "no source")]);
        bad.First.Select(b => b.Line).ShouldBe([2, 3]);
    }

    [Fact]
    public void Read_ManyBadLines_CountsThemAndKeepsTheFirst()
    {
        using var folder = new TemporaryFolder();
        var (_, bad) = TextDocumentReader.Read(folder.Write("t.jsonl", [.. Enumerable.Repeat("{}", 100_000), """{"text":"good"}"""]));
        bad.Count.ShouldBe(100_000);
        bad.First.Select(b => b.Line).ShouldBe(Enumerable.Range(1, 8));
        bad.Skipped.ShouldBe("skipped 100,000 bad lines: line 1: 'text' is missing or not a string; line 2: 'text' is missing or not a string; line 3: 'text' is missing or not a string; ...");
    }

    [Fact]
    public void Read_NoGoodLine_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Should.Throw<DataFileException>(() => TextDocumentReader.Read(folder.Write("t.jsonl", "{}")));
    }
}
