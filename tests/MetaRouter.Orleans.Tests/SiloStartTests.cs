using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MetaRouter.RouterContract;

namespace MetaRouter.Orleans.Tests;

public sealed class SiloStartTests
{
    private static readonly string Nowhere = $"127.0.0.1:{Loopback.FreePort()}";

    [Fact]
    public async Task Start_NoRedis_NamesItWithTheRemedyAndExitsWith1() =>
        await ShouldExitAsync(1, "nothing listens there; start Redis, or name the address where it listens");

    [Fact]
    public async Task Start_WrongPassword_IsOneSentenceWithTheRemedy()
    {
        await using var redis = await RedisServer.StartAsync("--requirepass", "hush-hush");
        await using var silo = await SiloProcess.StartAsync(new MetaRouterClusterOptions { Redis = $"{redis.Address},password=wrong-word" });

        (await silo.ExitAsync()).ShouldBe(1);
        string.Join('\n', silo.Output).ShouldMatch(@"^\s*The store 'redis:[0-9.:]+' cannot be opened: it wants a password, or a different one; set password=[^\n]* \(It is the setting MetaRouter:Cluster:Redis\.\)\s*$");
    }

    [Fact]
    public async Task Start_StoreOfAGateway_NamesTheSettingThatASiloHas() =>
        await ShouldExitAsync(2, $"users are in the Redis that MetaRouter:Cluster:Redis names, now '{Nowhere}'", "--MetaRouter:Store", "cluster:127.0.0.1:6379");

    [Theory]
    [InlineData("MetaRouter:Cluster:SiloPort is 'abc'; it must be a whole number", "--MetaRouter:Cluster:SiloPort", "abc")]
    [InlineData("MetaRouter:Cluster: GatewayPort is 70000; it must be from 1 to 65535", "--MetaRouter:Cluster:GatewayPort", "70000")]
    [InlineData("MetaRouter:Cluster: Address is 'my-host'; it must be an IP address", "--MetaRouter:Cluster:Address", "my-host")]
    [InlineData("MetaRouter:Cluster has settings that do not exist: 'SiloProt'", "--MetaRouter:Cluster:SiloProt", "11112")]
    [InlineData("MetaRouter:Cluster: Redis '127.0.0.1:6379': The address of Redis has passwordFile=/no/such/file, and that file cannot be used", "--MetaRouter:Cluster:Redis", "127.0.0.1:6379,passwordFile=/no/such/file")]
    [InlineData("MetaRouter:Cluster: Redis '127.0.0.1:6379': The address of Redis cannot be understood", "--MetaRouter:Cluster:Redis", "127.0.0.1:6379,sll=true")]
    [InlineData("MetaRouter:RefreshSeconds is 'often'; it must be a number", "--MetaRouter:RefreshSeconds", "often")]
    [InlineData("the address to listen on is 'here'; give a URL", "--urls", "here")]
    [InlineData("the address to listen on is 'http://127.0.0.1:80a5'; give a URL", "--urls", "http://127.0.0.1:80a5")]
    [InlineData("'--port' does not exist", "--port", "8082")]
    public async Task Start_BadSetting_NamesItWithValueAndRemedyAndExitsWith2(string said, params string[] settings) => await ShouldExitAsync(2, said, settings);

    [Fact]
    public async Task Start_AddressOfAnotherMachine_IsNamedWithTheRemedy() => await ShouldExitAsync(1, "cannot listen on 192.0.2.1", "--MetaRouter:Cluster:Address", "192.0.2.1");

    [Fact]
    public async Task Start_HealthWhereAnotherProgramListens_IsRefusedBeforeItJoins()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();

        await ShouldExitAsync(1, $"the address of its health is http://{other.LocalEndpoint}, and a program listens there already", "--urls", $"http://{other.LocalEndpoint}");
    }

    [Fact]
    public async Task Help_TellsUsageAndSettings_AndExitsWith0()
    {
        await ShouldExitAsync(0, "usage: MetaRouter.Silo", "--help");
        await ShouldExitAsync(0, "--MetaRouter:Cluster:SiloPort PORT", "--help");
        await ShouldExitAsync(0, "MetaRouter.Silo health", "health", "--help");
        await using var silo = await SiloProcess.StartAsync(new MetaRouterClusterOptions { Redis = Nowhere }, "--help");
        (await silo.ExitAsync()).ShouldBe(0);
        silo.Output.ShouldAllBe(line => line.Length <= 80);
    }

    /// <summary>What a second silo on one machine meets first. Orleans would share the port, and have the cluster give the first silo up as an earlier life of the second.</summary>
    [Fact]
    public async Task Start_PortOfAnotherSilo_IsRefusedAndLeavesThatOneAlone()
    {
        await using var redis = await RedisServer.StartAsync();
        var (options, port) = (new MetaRouterClusterOptions { Redis = redis.Address }, $"{Loopback.FreePort()}");
        await using var first = await SiloProcess.StartAsync(options, "--MetaRouter:Cluster:SiloPort", port);
        await first.ReadyAsync();
        await using var second = await SiloProcess.StartAsync(options, "--MetaRouter:Cluster:SiloPort", port);

        (await second.ExitAsync()).ShouldBe(1);
        second.Output.ShouldContain(line => line.Contains($"MetaRouter:Cluster:SiloPort is {port}, and a program listens there already", StringComparison.Ordinal));
        second.Output.ShouldAllBe(line => !line.StartsWith("   at ", StringComparison.Ordinal));
        first.Output.ShouldAllBe(line => !line.Contains("Watchdog", StringComparison.Ordinal)); // it calls every start late
        (await first.HealthAsync()).Status.ShouldBe(HttpStatusCode.OK);
        (await first.TerminateAsync()).ShouldBe(0);
    }

    /// <summary>It cannot tell the others that it leaves, and must not wait for that without end.</summary>
    [Fact]
    public async Task Terminate_RedisIsGone_EndsSoonAfterTheDrainAndSaysWhy()
    {
        var redis = await RedisServer.StartAsync();
        await using var silo = await SiloProcess.StartAsync(new MetaRouterClusterOptions { Redis = redis.Address }, "--MetaRouter:Cluster:DrainSeconds", "2");
        await silo.ReadyAsync();
        await redis.DisposeAsync();

        var asked = Stopwatch.StartNew();
        (await silo.TerminateAsync()).ShouldBe(1);
        asked.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
        silo.Output.ShouldContain(line => line.Contains($"has not stopped within 7 s, most likely because its Redis '{redis.Address}' does not answer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_SettingsFileInTheFolderItIsStartedIn_IsRead()
    {
        using var folder = new TemporaryFolder();
        folder.Write("appsettings.json", """{"MetaRouter":{"RefreshUsers":-7}}""");
        await using var silo = await SiloProcess.StartInAsync(folder.Path, new MetaRouterClusterOptions { Redis = Nowhere });

        (await silo.ExitAsync()).ShouldBe(2);
        silo.Output.ShouldContain(line => line.Contains("RefreshUsers is -7", StringComparison.Ordinal));
    }

    /// <summary>The exporter keeps to itself that nobody listens.</summary>
    [Fact]
    public async Task Collector_ThatIsNotThere_IsToldInTheLog()
    {
        using var folder = new TemporaryFolder();
        var endpoint = $"http://127.0.0.1:{Loopback.FreePort()}";
        folder.Write("appsettings.json", $$"""{"OTEL_EXPORTER_OTLP_ENDPOINT":"{{endpoint}}","OTEL_METRIC_EXPORT_INTERVAL":"500"}""");
        await using var redis = await RedisServer.StartAsync();
        await using var silo = await SiloProcess.StartInAsync(folder.Path, new MetaRouterClusterOptions { Redis = redis.Address });
        await silo.ReadyAsync();

        await Eventually.TrueAsync(() => silo.Output.Any(l => l.Contains($"The collector at {endpoint} did not accept what was sent by grpc", StringComparison.Ordinal)), TimeSpan.FromSeconds(30));
        await Task.Delay(TimeSpan.FromSeconds(2));
        silo.Output.Count(l => l.Contains("The collector at", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "http://collector:4317")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf")]
    public async Task Start_CollectorThatCannotBe_IsRefusedWithItsValue(string setting, string value, string remedy)
    {
        using var folder = new TemporaryFolder();
        folder.Write("appsettings.json", $$"""{"{{setting}}":"{{value}}"}""");
        await using var silo = await SiloProcess.StartInAsync(folder.Path, new MetaRouterClusterOptions { Redis = Nowhere });

        (await silo.ExitAsync()).ShouldBe(2);
        silo.Output.ShouldContain(l => l.Contains($"{setting} is '{value}'", StringComparison.Ordinal) && l.Contains(remedy, StringComparison.Ordinal));
    }

    private static async Task ShouldExitAsync(int code, string said, params string[] settings)
    {
        await using var silo = await SiloProcess.StartAsync(new MetaRouterClusterOptions { Redis = Nowhere }, settings);

        (await silo.ExitAsync()).ShouldBe(code);
        silo.Output.ShouldContain(line => line.Contains(said, StringComparison.Ordinal));
        silo.Output.ShouldAllBe(line => !line.TrimStart().StartsWith("at ", StringComparison.Ordinal));
    }
}
