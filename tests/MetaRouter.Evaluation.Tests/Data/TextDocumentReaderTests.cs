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
        bad.Select(b => b.Line).ShouldBe([2, 3]);
    }

    [Fact]
    public void Read_NoGoodLine_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Should.Throw<DataFileException>(() => TextDocumentReader.Read(folder.Write("t.jsonl", "{}")));
    }
}
