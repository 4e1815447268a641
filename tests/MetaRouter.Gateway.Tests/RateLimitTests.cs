namespace MetaRouter.Gateway.Tests;

public sealed class RateLimitTests
{
    private const string Route = "/v1/router/route", Asked = """{"input":"hello"}""";

    [Fact]
    public async Task Rate_InTheMiddleOfAMinute_TellsHowManySecondsAreLeftOfIt()
    {
        await using var gateway = await RunningGateway.StartAsync("--Tenants:0:Name", "default", "--Tenants:0:RequestsPerMinute", "1");
        gateway.Time.Ahead += TimeSpan.FromSeconds(90 - gateway.Time.GetUtcNow().Second);

        var first = await gateway.PostAsync(Route, Asked);
        var second = await gateway.PostAsync(Route, Asked);

        second.ShouldFail(429, "rate_limit_exceeded");
        second.Headers["x-ratelimit-remaining-requests"].ShouldBe("0");
        second.Headers["x-ratelimit-reset-requests"].ShouldBe(second.Headers["Retry-After"] + "s");
        int.Parse(second.Headers["Retry-After"], System.Globalization.CultureInfo.InvariantCulture).ShouldBeInRange(1, 30);
        first.Status.ShouldBe(200);
    }

    [Fact]
    public async Task Rate_OfTheTenant_CountsFeedbackToo()
    {
        await using var gateway = await RunningGateway.StartAsync("--Tenants:0:Name", "default", "--Tenants:0:RequestsPerMinute", "1");
        gateway.Time.Ahead += TimeSpan.FromSeconds(60 - gateway.Time.GetUtcNow().Second);

        (await gateway.PostAsync("/v1/router/feedback", "{}")).ShouldFail(400, "missing_field");
        (await gateway.PostAsync("/v1/router/feedback", "{}")).ShouldFail(429, "rate_limit_exceeded");
    }

    /// <summary>Whether the model is then called here or elsewhere.</summary>
    [Fact]
    public async Task Rate_OfAUser_CountsDecisionsToo()
    {
        await using var gateway = await RunningGateway.StartAsync("--Tenants:0:Name", "default", "--Tenants:0:UserRequestsPerMinute", "1");
        gateway.Time.Ahead += TimeSpan.FromSeconds(60 - gateway.Time.GetUtcNow().Second);

        (await gateway.PostAsync(Route, """{"input":"hello","user":"ann"}""")).Status.ShouldBe(200);
        (await gateway.PostAsync(Route, """{"input":"hello","user":"ann"}""")).ShouldFail(429, "rate_limit_exceeded", "This user");
    }
}
