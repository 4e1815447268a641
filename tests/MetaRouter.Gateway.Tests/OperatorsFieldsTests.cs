namespace MetaRouter.Gateway.Tests;

/// <summary>A body may not tell an upstream that is a proxy itself where to send a request, or with which key.</summary>
public sealed class OperatorsFieldsTests : IAsyncLifetime
{
    private const string Vectors = "text-embedding-3-small";

    private ScriptedUpstream _upstream = null!;
    private RunningGateway _gateway = null!;

    public async Task InitializeAsync()
    {
        _upstream = await ScriptedUpstream.StartAsync();
        _gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, "--Upstreams:0:Messages", "true",
            "--Upstreams:1:Model", Vectors, "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true");
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Theory]
    [InlineData("/v1/chat/completions", """{"model":"auto",FIELD"messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData("/v1/chat/completions", """{"model":"gpt-4o-2024-05-13",FIELD"messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData("/v1/messages", """{"model":"auto",FIELD"max_tokens":99,"messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData("/v1/embeddings", """{"model":"text-embedding-3-small",FIELD"input":"hello"}""")]
    public async Task Field_ThatIsTheOperators_IsRefusedByNameAndNeverSentOn(string path, string body)
    {
        foreach (var (name, field) in new[]
        {
            ("api_base", "\"api_base\":\"http://169.254.169.254/\","), ("base_url", "\"base_url\":\"http://10.0.0.1/v1\","), ("api_key", "\"api_key\":\"sk-canary\","),
            ("user_config", "\"user_config\":{\"model_list\":[]},"), ("api_base", "\"api\\u005fbase\":\"http://10.0.0.1\","), ("api_key", "\"api_key\":null,"),
        })
        {
            var refused = await _gateway.PostAsync(path, body.Replace("FIELD", field, StringComparison.Ordinal));
            refused.Status.ShouldBe(400, refused.Text);
            ((string)refused.Body["error"]!["code"]!).ShouldBe("unsupported_field", field);
            refused.Message.ShouldContain($"'{name}' would tell an upstream where to send the request");
            refused.Message.ShouldContain("leave it out");
            refused.Text.ShouldNotContain("sk-canary");
        }

        _upstream.Calls.ShouldBe(0);
    }

    /// <summary>Which of two a proxy would read is not known.</summary>
    [Theory]
    [InlineData("/v1/chat/completions", "unsupported_field")]
    [InlineData("/v1/messages", "invalid_json")]
    public async Task Field_ThatIsThereTwice_IsRefusedWhateverTheLastOneSays(string path, string code)
    {
        var refused = await _gateway.PostAsync(path, """{"model":"auto","max_tokens":99,"messages":[{"role":"user","content":"hello"}],"api_base":"http://10.0.0.1","api_base":null}""");

        refused.Status.ShouldBe(400, refused.Text);
        ((string)refused.Body["error"]!["code"]!).ShouldBe(code);
        _upstream.Calls.ShouldBe(0);
    }

    [Fact]
    public async Task Responses_RefuseTheField_AsAnyThatTheyDoNotKnow()
    {
        var refused = await _gateway.PostAsync("/v1/responses", """{"model":"auto","input":"hello","api_base":"http://10.0.0.1"}""");

        refused.Status.ShouldBe(400, refused.Text);
        refused.Message.ShouldContain("'api_base'");
        _upstream.Calls.ShouldBe(0);
    }
}
