using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Tests.Data;

public sealed class PreferenceReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_Votes_BecomeTheGainOfTheFirst()
    {
        _folder.Write("votes.jsonl", """{"id":"1","query":"q","model_a":"a","model_b":"b","votes":{"a":2,"b":1,"tie":1}}""", """{"query":"r","model_a":"b","model_b":"a","votes":{"b":3}}""");
        var (pairs, bad) = PreferenceReader.Read(Path.Combine(_folder.Path, "votes.jsonl"));

        bad.First.ShouldBeEmpty();
        pairs.Select(p => (p.Id, p.Query, p.First.Value, p.Second.Value, p.Gain)).ShouldBe([("1", "q", "a", "b", .25f), ("2", "r", "b", "a", -1f)]);
    }

    [Theory]
    [InlineData("""{"query":"q","model_a":"a","model_b":"a","votes":{"a":1}}""", "both 'a'")]
    [InlineData("""{"query":"q","model_a":"a","model_b":"b","votes":{}}""", "has none")]
    [InlineData("""{"query":"q","model_a":"a","model_b":"b","votes":{"a":-1}}""", "whole number")]
    [InlineData("""{"query":"","model_a":"a","model_b":"b","votes":{"a":1}}""", "'query'")]
    [InlineData("""{"query":"q","model_a":"a b","model_b":"b","votes":{"a":1}}""", "not a model name")]
    [InlineData("""{"query":"q"}""", "not a preference")]
    [InlineData("""{"query":"\ud800","model_a":"a","model_b":"b","votes":{"a":1}}""", "surrogate")] // these two: found by fuzzing
    [InlineData("""{"\udc00model_a":"a","model_a":"a","model_b":"b","votes":{"a":1}}""", "surrogate")]
    public void Read_BadLine_IsSkippedAndSaysWhy(string line, string problem)
    {
        _folder.Write("votes.jsonl", line, """{"query":"r","model_a":"b","model_b":"a","votes":{"b":3}}""");
        var (pairs, bad) = PreferenceReader.Read(Path.Combine(_folder.Path, "votes.jsonl"));
        pairs.ShouldHaveSingleItem();
        bad.First.ShouldHaveSingleItem().ToString().ShouldContain(problem);
    }
}
