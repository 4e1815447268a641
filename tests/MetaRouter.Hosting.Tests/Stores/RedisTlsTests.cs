using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests.Stores;

/// <summary>TLS and passwords against a real redis-server, which speaks TLS on a port of its own.</summary>
public sealed class RedisTlsTests : IAsyncLifetime, IDisposable
{
    private const string Password = "s3cret=with,commas";
    private static readonly UserKey Ann = new(1, 2);

    private readonly TemporaryFolder _folder = new();
    private readonly int _port = RedisServer.FreePort();
    private RedisServer _redis = null!;

    private string Authority => _folder.File("ca.pem");

    private string PasswordFile => _folder.File("password");

    private string Address => $"127.0.0.1:{_port},ca={Authority},cert={_folder.File("client.pem")},key={_folder.File("client.key")},passwordFile={PasswordFile}";

    public async Task InitializeAsync()
    {
        Issue("ca.pem", "server", "client");
        Issue("other-ca.pem", "other-server", "other-client");
        await File.WriteAllTextAsync(PasswordFile, Password + "\n");
        _redis = await RedisServer.StartAsync("--tls-port", $"{_port}", "--tls-cert-file", _folder.File("server.pem"), "--tls-key-file", _folder.File("server.key"), "--tls-ca-cert-file", Authority, "--requirepass", Password);
    }

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    [RedisFact]
    public async Task Open_RightAuthorityCertificateAndPassword_ReadsAndWrites()
    {
        await using var store = RedisUserStore.Open(Address);

        (await store.SaveAsync(Ann, new byte[] { 7 }, 0)).ShouldBeGreaterThan(0);
        (await store.LoadAsync(Ann)).State.ShouldBe([7]);
        store.IsDurable.ShouldBeTrue();
    }

    [RedisFact]
    public void Open_WrongAuthority_IsNamedAtOnce() => ShouldRefuse(Address.Replace("ca.pem", "other-ca.pem", StringComparison.Ordinal), "TLS", "ca=FILE");

    [RedisFact]
    public void Open_NoAuthority_IsNamed() => ShouldRefuse($"127.0.0.1:{_port},ssl=true,passwordFile={PasswordFile}", "TLS", "ca=FILE");

    [RedisFact]
    public void Open_AnotherNameThanTheCertificates_IsNamed() => ShouldRefuse(Address + ",sslHost=redis.example.com", "TLS", "sslHost=NAME");

    [RedisFact]
    public void Open_WrongPassword_IsNamedAndNotRepeated() =>
        ShouldRefuse(Address.Replace($"passwordFile={PasswordFile}", "password=wr0ng", StringComparison.Ordinal), "password", "passwordFile=FILE");

    [RedisFact]
    public void Open_NoPassword_IsNamed() => ShouldRefuse(Address.Replace($",passwordFile={PasswordFile}", "", StringComparison.Ordinal), "password", "passwordFile=FILE");

    private static void ShouldRefuse(string address, params string[] named)
    {
        var started = System.Diagnostics.Stopwatch.StartNew();
        var message = Should.Throw<StoreException>(() => RedisUserStore.Open(address)).Message;

        foreach (var one in named.Append("cannot be opened"))
        {
            message.ShouldContain(one);
        }

        message.ShouldNotContain("s3cret");
        message.ShouldNotContain("wr0ng");
        started.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(4.5)); // not waited for as for one that is starting
    }

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
