using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace MetaRouter.Faults.Tests;

/// <summary>What a client is told, and what it is not told, are kept apart: a gateway that is away is no mistake, one that hangs or fails without a word is.</summary>
public sealed class LoadTests : IDisposable
{
    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly HttpClient _client = new();

    public LoadTests() => _server.Start();

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    [Fact]
    public async Task Post_FailureWithoutABody_IsThatFailure()
    {
        var asking = PostAsync();
        using var asked = await _server.AcceptTcpClientAsync();
        await asked.GetStream().WriteAsync("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());

        (await asking).ShouldBe((500, null));
    }

    [Fact]
    public async Task Post_NoAnswerInTime_IsNoGatewayThatIsAway()
    {
        _client.Timeout = TimeSpan.FromSeconds(1);
        var asking = PostAsync();
        using var asked = await _server.AcceptTcpClientAsync();

        (await asking).Status.ShouldBe(Load.Hangs);
    }

    [Fact]
    public async Task Post_NobodyThere_IsAway()
    {
        _server.Stop();
        (await PostAsync()).Status.ShouldBe(Load.Away);
    }

    [Fact]
    public async Task Post_DiesBeforeItAnswers_IsAway()
    {
        var asking = PostAsync();
        using (var asked = await _server.AcceptTcpClientAsync())
        {
            (await asked.GetStream().ReadAsync(new byte[1000])).ShouldBePositive(); // what was not sent yet would be sent again
            asked.LingerState = new LingerOption(true, 0);
        }

        (await asking).Status.ShouldBe(Load.Away);
    }

    /// <summary>Where a connection is reset as it is made, .NET has another exception for it.</summary>
    [Fact]
    public async Task Post_ResetAsItConnects_IsAway()
    {
        using var gateway = new ResettingServer();
        using var client = new HttpClient();
        for (var i = 0; i < 500; i++)
        {
            (await Load.PostAsync(client, gateway.Url, [])).Status.ShouldBe(Load.Away);
        }
    }

    private Task<(int Status, JsonNode? Body)> PostAsync() => Load.PostAsync(_client, $"http://{_server.LocalEndpoint}/", []);
}
