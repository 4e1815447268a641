using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests.Stores;

/// <summary>TLS and passwords against a real redis-server, which speaks TLS on a port of its own.</summary>
public sealed class RedisTlsTests(OneRedisWithTls redis) : IClassFixture<OneRedisWithTls>
{
    private static readonly UserKey Ann = new(1, 2);

    [RedisFact]
    public async Task Open_RightAuthorityCertificateAndPassword_ReadsAndWrites()
    {
        await using var store = RedisUserStore.Open(redis.Address);

        (await store.SaveAsync(Ann, new byte[] { 7 }, 0)).ShouldBeGreaterThan(0);
        (await store.LoadAsync(Ann)).State.ShouldBe([7]);
        store.IsDurable.ShouldBeTrue();
    }

    [RedisFact]
    public void Open_WrongAuthority_IsNamed() => ShouldRefuse(redis.Address.Replace("ca.pem", "other-ca.pem", StringComparison.Ordinal), "TLS", "ca=FILE");

    [RedisFact]
    public void Open_NoAuthority_IsNamed() => ShouldRefuse($"127.0.0.1:{redis.TlsPort},ssl=true,passwordFile={redis.PasswordFile}", "TLS", "ca=FILE");

    [RedisFact]
    public void Open_AnotherNameThanTheCertificates_IsNamed() => ShouldRefuse(redis.Address + ",sslHost=redis.example.com", "TLS", "sslHost=NAME");

    [RedisFact]
    public void Open_WrongPassword_IsNamedAndNotRepeated() =>
        ShouldRefuse(redis.Address.Replace($"passwordFile={redis.PasswordFile}", "password=wr0ng", StringComparison.Ordinal), "password", "passwordFile=FILE");

    [RedisFact]
    public void Open_NoPassword_IsNamed() => ShouldRefuse(redis.Address.Replace($",passwordFile={redis.PasswordFile}", "", StringComparison.Ordinal), "password", "passwordFile=FILE");

    private static void ShouldRefuse(string address, params string[] named)
    {
        var message = Should.Throw<StoreException>(() => RedisUserStore.Open(address)).Message;

        foreach (var one in named.Append("cannot be opened"))
        {
            message.ShouldContain(one);
        }

        message.ShouldNotContain("s3cret");
        message.ShouldNotContain("wr0ng");
    }
}

/// <summary>A redis-server that asks for a password, and on a port of its own for TLS with certificates of one authority on both sides.</summary>
public sealed class OneRedisWithTls : IAsyncLifetime, IDisposable
{
    public const string Password = "s3cret=with,commas";

    private readonly TemporaryFolder _folder = new();
    private RedisServer _redis = null!;

    public int TlsPort { get; } = Loopback.FreePort();

    private string Authority => _folder.File("ca.pem");

    public string PasswordFile => _folder.File("password");

    public string Address => $"127.0.0.1:{TlsPort},ca={Authority},cert={_folder.File("client.pem")},key={_folder.File("client.key")},passwordFile={PasswordFile}";

    public async Task InitializeAsync()
    {
        Certificates.Issue(_folder.Path, "ca.pem", "server", "client");
        Certificates.Issue(_folder.Path, "other-ca.pem", "other-server", "other-client");
        await File.WriteAllTextAsync(PasswordFile, Password + "\n");
        _redis = await RedisServer.StartAsync("--tls-port", $"{TlsPort}", "--tls-cert-file", _folder.File("server.pem"), "--tls-key-file", _folder.File("server.key"), "--tls-ca-cert-file", Authority, "--requirepass", Password);
    }

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    public void Dispose() => _folder.Dispose();
}
