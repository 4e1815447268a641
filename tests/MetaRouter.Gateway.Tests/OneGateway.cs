namespace MetaRouter.Gateway.Tests;

/// <summary>Tests of one gateway, which serves every model from one upstream that each test scripts.</summary>
public abstract class OneGateway : IAsyncLifetime
{
    private protected ScriptedUpstream _upstream = null!;
    private protected RunningGateway _gateway = null!;

    public async Task InitializeAsync()
    {
        _upstream = await ScriptedUpstream.StartAsync();
        _gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url);
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _upstream.DisposeAsync();
    }
}
