using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
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
        Issue("ca.pem", "server", "client");
        Issue("other-ca.pem", "other-server", "other-client");
        await File.WriteAllTextAsync(PasswordFile, Password + "\n");
        _redis = await RedisServer.StartAsync("--tls-port", $"{TlsPort}", "--tls-cert-file", _folder.File("server.pem"), "--tls-key-file", _folder.File("server.key"), "--tls-ca-cert-file", Authority, "--requirepass", Password);
    }

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    /// <summary>An authority and certificates for 127.0.0.1 signed by it, NAME.pem and NAME.key.</summary>
    private void Issue(string authorityFile, params string[] names)
    {
        var (from, to) = (DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddDays(1));
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=Test {authorityFile}", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        using var authority = request.CreateSelfSigned(from, to);
        File.WriteAllText(_folder.File(authorityFile), authority.ExportCertificatePem());
        foreach (var name in names)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var asked = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            var alternatives = new SubjectAlternativeNameBuilder();
            alternatives.AddIpAddress(IPAddress.Loopback);
            asked.CertificateExtensions.Add(alternatives.Build());
            using var certificate = asked.Create(authority, from, to, RandomNumberGenerator.GetBytes(8));
            File.WriteAllText(_folder.File(name + ".pem"), certificate.ExportCertificatePem());
            File.WriteAllText(_folder.File(name + ".key"), key.ExportPkcs8PrivateKeyPem());
        }
    }
}
