using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>What someone would try who wants what is not theirs: other tenants' users, addresses inside the house, a key learned by its timing, all of the memory.</summary>
public sealed class AttackTests
{
    private const string Metadata = "169.254.169.254";

    [Fact]
    public async Task Receipt_ReplayedByManyAtOnceAndAfterARestart_CountsOnce()
    {
        using var folder = new TemporaryFolder();
        string[] store = ["--MetaRouter:Store", "sqlite:" + folder.File("users.db")];
        Answer route;
        await using (var gateway = await RunningGateway.StartAsync(store))
        {
            route = await gateway.RouteAsync("ann");
            var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => gateway.FeedbackAsync(route, "ann", "thumb", "down")));
            answers.ShouldAllBe(a => a.Status == 200);
            answers.Count(a => (bool)a.Body["counted"]!).ShouldBe(1);
        }

        await using (var gateway = await RunningGateway.StartAsync(store))
        {
            ((bool)(await gateway.FeedbackAsync(route, "ann", "thumb", "down")).Body["counted"]!).ShouldBeFalse();
            ((int)(await gateway.GetAsync("/v1/router/users/ann")).Body["signals"]!).ShouldBe(1);
        }
    }

    [Fact]
    public async Task Receipt_OfAnotherDeploymentOrSplicedOfTwo_IsForged()
    {
        await using var here = await RunningGateway.StartAsync();
        await using var elsewhere = await RunningGateway.StartAsync();
        (await here.FeedbackAsync(await elsewhere.RouteAsync("ann"), "ann", "accept")).ShouldFail(400, "receipt_forged");

        var (first, second) = (await here.RouteAsync("ann"), await here.RouteAsync("ann"));
        var (one, other) = ((string)first.Body["receipt"]!, (string)second.Body["receipt"]!);
        foreach (var cut in new[] { 4, 40, one.Length / 2, one.Length - 22, one.Length - 4 })
        {
            first.Body["receipt"] = one[..cut] + other[cut..];
            var answer = await here.FeedbackAsync(first, "ann", "accept");
            answer.Status.ShouldBeOneOf(200, 400);
            // Of two receipts of one key the first characters are alike: what is spliced there is the other receipt as it was.
            (answer.Status == 200).ShouldBe((string)first.Body["receipt"]! == other, $"cut at {cut}: {answer.Text}");
        }
    }

    [Fact]
    public async Task Tenant_GuessesAnothersUsers_SeesAndMovesNothing()
    {
        string[] scopes = ["inference", "feedback", "read", "admin"];
        string[] tenants = ["a", "b"];
        await using var gateway = await RunningGateway.StartAsync([.. tenants.SelectMany((tenant, i) => (string[])
            [$"--ApiKeys:{i}:Sha256", Hash("key-" + tenant), $"--ApiKeys:{i}:Tenant", tenant, .. scopes.SelectMany((scope, s) => (string[])[$"--ApiKeys:{i}:Scopes:{s}", scope])])]);
        (string, string) a = Bearer("key-a"), b = Bearer("key-b");
        var route = await gateway.PostAsync("/v1/router/route", """{"input":"What is 2 + 2?","user":"ann"}""", a);
        var receipt = (string)route.Body["receipt"]!;
        string Feedback(string user) => new JsonObject { ["receipt"] = receipt, ["user"] = user, ["kind"] = "thumb", ["value"] = "down" }.ToJsonString();
        (await gateway.PostAsync("/v1/router/feedback", Feedback("ann"), a)).Status.ShouldBe(200);

        foreach (var guess in new[] { "ann", "a/ann", "a:ann", "a\nann", "../a/ann", "%61nn", "ann\u200b", "*" })
        {
            var path = "/v1/router/users/" + Uri.EscapeDataString(guess);
            var seen = await gateway.GetAsync(path, b);
            (seen.Status, (int?)seen.Body["signals"]).ShouldBe((200, 0), guess);
            (await gateway.GetAsync(path, b, ("x-router-tenant", "a"), ("x-tenant", "a"), ("x-forwarded-user", "ann"))).Body["signals"]!.GetValue<int>().ShouldBe(0, guess);
            (await gateway.PostAsync("/v1/router/feedback", Feedback(guess), b)).Body["error"]!["code"]!.GetValue<string>().ShouldBe("receipt_foreign", guess);
            (await gateway.SendAsync(HttpMethod.Delete, path, null, b)).Status.ShouldBe(200, guess);
        }

        (await gateway.PostAsync("/v1/router/feedback", Feedback("ann").Replace("{", "{\"tenant\":\"a\",", StringComparison.Ordinal), b)).Status.ShouldBe(400);
        ((int)(await gateway.GetAsync("/v1/router/users/ann", a)).Body["signals"]!).ShouldBe(1);
    }

    [Theory]
    [InlineData("GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\nConnection: close\r\n\r\n", 403)]
    [InlineData("GET http://localhost/v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400, 403)]
    [InlineData("GET /v1/models HTTP/1.1\r\nHost: localhost.evil.example\r\nConnection: close\r\n\r\n", 403)]
    [InlineData("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400)]
    [InlineData("GET /v1/models HTTP/1.1\r\nHost: evil.example#localhost\r\nConnection: close\r\n\r\n", 400, 403)]
    [InlineData("GET /v1/models HTTP/1.1\r\nHost: localhost@evil.example\r\nConnection: close\r\n\r\n", 400, 403)]
    [InlineData("POST /v1/router/route HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET /alive HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n", 403)]
    public async Task OpenGateway_HostTricks_AreRefused(string request, params int[] allowed)
    {
        await using var gateway = await RunningGateway.StartAsync();
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, gateway.Client.BaseAddress!.Port);
        await tcp.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(tcp.GetStream());

        var answer = await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(10));

        int.Parse(answer.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture).ShouldBeOneOf(allowed);
        answer.Split("HTTP/1.1 ").Length.ShouldBe(2, "one answer to one request");
    }

    [Theory]
    [InlineData("http://169.254.169.254/latest")]
    [InlineData("http://169.254.169.254./latest")]
    [InlineData("http://2852039166/latest")]
    [InlineData("http://0xA9FEA9FE/latest")]
    [InlineData("http://0251.0376.0251.0376/latest")]
    [InlineData("http://169.254.43518/latest")]
    [InlineData("http://[::ffff:169.254.169.254]/latest")]
    [InlineData("http://[::ffff:a9fe:a9fe]/latest")]
    [InlineData("http://[::ffff:0:a9fe:a9fe]/latest")]
    [InlineData("http://[64:ff9b:1::a9fe:a9fe]/latest")]
    [InlineData("http://[64:ff9b:1:a9fe:a9:fe00::]/latest")] // RFC 6052's other lengths of a prefix: 48,
    [InlineData("http://[64:ff9b:1:a9:fe:a9fe::]/latest")] // 56
    [InlineData("http://[64:ff9b:1:0:a9:fea9:fe00:0]/latest")] // and 64
    [InlineData("http://[2001:0:0:0:0:0:5601:5601]/latest")]
    [InlineData("http://[2001:db8::5efe:a9fe:a9fe]/latest")]
    [InlineData("http://[fd00:ec2::254]/latest")]
    [InlineData("http://[fd00:ec2::23]/v1/credentials")]
    [InlineData("http://[fd20:ce::254]/latest")]
    [InlineData("http://[fe80::a9fe:a9fe%25lo]/latest")]
    [InlineData("http://100.100.100.200/latest")]
    [InlineData("http://168.63.129.16/machine")]
    [InlineData("http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/latest")]
    [InlineData("http://api.example.com@169.254.169.254/v1")]
    [InlineData("http://169.254.169.254#@api.example.com/v1")]
    [InlineData("http://169.254.169.254\\@api.example.com/v1")]
    public async Task UpstreamAddress_InOddForms_IsRefusedAtSave(string url) =>
        (await Should.ThrowAsync<GatewayConfigurationException>(async () => await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", url)))
            .Message.ShouldContain("Upstreams:0");

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.1.2.3")]
    [InlineData("203.0.113.9")]
    [InlineData("::1")]
    [InlineData("fd12:3456::1")]
    [InlineData("2001:db8::1")]
    [InlineData("64:ff9b:1::cb00:7109")]
    public void UpstreamAddress_OfAModelServer_IsAllowed(string address) => UpstreamAddress.IsForbidden(IPAddress.Parse(address)).ShouldBeFalse();

    [Fact]
    public async Task UpstreamName_ThatChangesItsAddress_IsCalledOnlyWhereItMayBe()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Script = (context, _) =>
        {
            context.Response.Headers.Connection = "close"; // the next call looks the name up again
            return Task.FromResult(false);
        };
        var (answers, asked) = ((IPAddress[])[IPAddress.Loopback], 0);
        Task<IPAddress[]> LookUp(string host, CancellationToken cancellationToken)
        {
            host.ShouldBe("rebinds.example");
            Interlocked.Increment(ref asked);
            var now = answers;
            answers = [IPAddress.Any]; // a forbidden one that is heard of here, if it is called
            return Task.FromResult(now);
        }

        await using var gateway = await RunningGateway.StartAsync(services => services.AddSingleton<NameLookup>(LookUp), "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", $"http://rebinds.example:{upstream.Port}/v1");
        Task<Answer> AskAsync() => gateway.PostAsync("/v1/chat/completions", """{"model":"auto","messages":[{"role":"user","content":"hi"}]}""");

        (await AskAsync()).Status.ShouldBe(200);
        (upstream.Calls, asked).ShouldBe((1, 1), "what was checked is what is called");

        var answer = await AskAsync();
        answer.Status.ShouldBe(502, answer.Text);
        (upstream.Calls, asked > 1).ShouldBe((1, true));
        answer.Text.ShouldNotContain("0.0.0.0");

        // Of several the forbidden ones are not tried, first or last. Models that just failed rest for a while: another gateway.
        await using var mixed = await RunningGateway.StartAsync(
            services => services.AddSingleton<NameLookup>((_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(Metadata), IPAddress.Any, IPAddress.Loopback, IPAddress.Parse("fe80::1")])),
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", $"http://rebinds.example:{upstream.Port}/v1");
        (await mixed.PostAsync("/v1/chat/completions", """{"model":"auto","messages":[{"role":"user","content":"hi"}]}""")).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task Upstream_ThatRedirects_IsNotFollowed(int status)
    {
        await using var inside = await ScriptedUpstream.StartAsync("inside");
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Script = (context, _) =>
        {
            (context.Response.StatusCode, context.Response.Headers.Location) = (status, inside.Url + "/chat/completions");
            return Task.FromResult(true);
        };
        await using var gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", upstream.Url);

        var answer = await gateway.PostAsync("/v1/chat/completions", """{"model":"auto","messages":[{"role":"user","content":"hi"}]}""");

        answer.Status.ShouldBe(502, answer.Text);
        answer.Text.ShouldNotContain(inside.Url);
        inside.Calls.ShouldBe(0);
    }

    [Fact]
    public void KeyCheck_FirstLastOrUnknownKey_TakesTheSameTime()
    {
        const int keys = 500, batches = 60, most = 50 * batches, batch = 10;
        var ring = new ApiKeyRing([.. Enumerable.Range(0, keys).Select(i => new ApiKeyOptions { Sha256 = Hash($"key-{i:000}"), Tenant = "t", Scopes = { "read" } })]);
        var requests = new[] { "key-000", $"key-{keys - 1:000}", "key-xxx" }.Select(key =>
        {
            var context = new DefaultHttpContext();
            context.Request.Headers.Authorization = "Bearer " + key;
            return context.Request;
        }).ToArray();
        var least = new[] { double.MaxValue, double.MaxValue, double.MaxValue };
        bool IsLevel() => least[0] / least[1] is > 0.75 and < 1.33 && least[2] > 0.75 * least[1];
        for (var i = 0; i < batches || (i < most && !IsLevel()); i++)
        {
            // In turns, and the least of many batches: what disturbs the machine passes, and what a key gives away would not.
            for (var r = 0; r < requests.Length; r++)
            {
                var began = Stopwatch.GetTimestamp();
                for (var n = 0; n < batch; n++)
                {
                    try
                    {
                        ring.Authenticate(requests[r]);
                    }
                    catch (ApiException)
                    {
                        // The unknown key; what throwing costs is left out below.
                    }
                }

                least[r] = Math.Min(least[r], Stopwatch.GetElapsedTime(began).TotalMicroseconds / batch);
            }
        }

        // Whoever stopped at the first match would need a five-hundredth of the comparisons for the first key.
        IsLevel().ShouldBeTrue($"first {least[0]:0.0} us, last {least[1]:0.0} us, unknown {least[2]:0.0} us");
    }

    [Fact]
    public async Task Flood_OfInventedUsersAndSessions_LeavesTheOthersAndTheMemoryAlone()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        const int most = 1000;
        await using var gateway = await RunningGateway.StartAsync("--MetaRouter:UsersInMemory", $"{most}", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", upstream.Url);
        for (var i = 0; i < 4; i++)
        {
            await gateway.FeedbackAsync(await gateway.RouteAsync("ann", input: $"What is {i} + 2?"), "ann", "thumb", "down");
        }

        var before = (await gateway.GetAsync("/v1/router/users/ann")).Text;
        await Parallel.ForAsync(0, 2500, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            // Every tenth has an answer written, which is a session to remember; see MemorySharedStateTests for how many are.
            var answer = i % 10 == 0
                ? await gateway.PostAsync("/v1/chat/completions", $$"""{"model":"auto","user":"invented-{{i}}","messages":[{"role":"user","content":"a"}]}""", ("x-router-session", $"session-{i}"))
                : await gateway.PostAsync("/v1/router/route", $$"""{"input":"a","user":"invented-{{i}}"}""");
            answer.Status.ShouldBe(200);
        });

        gateway.App.Services.GetRequiredService<InProcessRouter>().UsersInMemory.ShouldBeInRange(most / 2, most);
        (await gateway.App.Services.GetRequiredService<IUserStore>().ChangedAsync(0, most)).Count.ShouldBe(1, "the store holds who said something, which is ann");
        (await gateway.GetAsync("/v1/router/users/ann")).Text.ShouldBe(before);
        ((bool)(await gateway.FeedbackAsync(await gateway.RouteAsync("ann"), "ann", "accept")).Body["counted"]!).ShouldBeTrue();
        gateway.Log.Where(l => l.Level >= Microsoft.Extensions.Logging.LogLevel.Error).ShouldBeEmpty();
    }
}
