using System.Globalization;

namespace MetaRouter.Gateway.Tests;

/// <summary>An upstream that says when it is worth being asked again.</summary>
public sealed class RetryAfterTests : OneGateway
{
    private const string Chat = "/v1/chat/completions", Strong = "gpt-4o-2024-05-13", Asked = $$"""{"model":"{{Strong}}","messages":[{"role":"user","content":"hello"}]}""";

    [Theory]
    [InlineData(429, 429, false)]
    [InlineData(429, 429, true)]
    [InlineData(503, 502, false)]
    public async Task Upstream_SaysWhenToComeBack_IsLeftAloneUntilThen(int status, int told, bool asDate)
    {
        Refuse(status, asDate ? (_gateway.Time.GetUtcNow() + TimeSpan.FromSeconds(20)).ToString("R", CultureInfo.InvariantCulture) : "20");

        (await _gateway.PostAsync(Chat, Asked)).Status.ShouldBe(told);
        var resting = await _gateway.PostAsync(Chat, Asked);
        resting.ShouldFail(503, "upstream_resting", Strong);
        int.Parse(resting.Headers["Retry-After"], CultureInfo.InvariantCulture).ShouldBeInRange(2, 20);
        _upstream.Calls.ShouldBe(1);

        _upstream.Script = (_, _) => Task.FromResult(false);
        _gateway.Time.Ahead += TimeSpan.FromSeconds(21);
        (await _gateway.PostAsync(Chat, Asked)).Status.ShouldBe(200);
    }

    /// <summary>What is past is no time to wait for, and the fault of one request is no reason to let the next one wait.</summary>
    [Theory]
    [InlineData(429, "0")]
    [InlineData(429, "Sun, 01 Mar 2026 12:00:00 GMT")]
    [InlineData(400, "20")]
    public async Task Upstream_NamesNoTimeToComeFor_IsNotLeftAlone(int status, string after)
    {
        Refuse(status, after);

        var refused = await _gateway.PostAsync(Chat, Asked);

        refused.Status.ShouldBe(status);
        refused.Headers["Retry-After"].ShouldBe(after);
        (await _gateway.GetAsync("/health")).Text.ShouldNotContain("resting");
    }

    private void Refuse(int status, string after) => _upstream.Script = (context, _) =>
    {
        context.Response.Headers.RetryAfter = after;
        return ScriptedUpstream.FailAsync(context, status);
    };
}
