using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Orleans.Client;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Orleans.Tests;

/// <summary>Silos and clients that show each other certificates.</summary>
public sealed class ClusterTlsTests(OneRedis redis) : IClassFixture<OneRedis>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Certificates_OfTheClustersAuthority_LetIn_AndNobodyElse()
    {
        Certificates.Issue(_folder.Path, "ca.pem", "one", "two", "client");
        Certificates.Issue(_folder.Path, "other.pem", "stranger");
        var port = Loopback.FreePort();
        await using var one = await SiloProcess.StartAsync(As("one"), [.. Settings("one"), "--MetaRouter:Cluster:GatewayPort", $"{port}"]);
        await one.ReadyAsync();
        await using var two = await SiloProcess.StartAsync(As("two"), Settings("two"));
        await two.ReadyAsync();

        using (var client = await ClusterClient.ConnectAsync(As("client")))
        {
            var router = client.Services.GetRequiredService<ClusterRouter>();
            for (var user = 0; user < 20; user++) // of both silos
            {
                var decision = await router.RouteAsync("acme", $"user-{user}", new RouteRequest("?"));
                (await router.LearnAsync("acme", $"user-{user}", new Feedback(decision.Token, FeedbackKind.Thumb, 1))).Outcome.ShouldBe(AddOutcome.Counted);
            }
        }

        (await KnockAsync(port, "client")).ShouldBe(("CN=one", true));
        (await KnockAsync(port, "stranger")).ShouldBe(("CN=one", false));
        (await KnockAsync(port, null)).ShouldBe(("CN=one", false));
        foreach (var stranger in new[] { As("stranger", "other.pem"), As("") })
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(8));
            await Should.ThrowAsync<OperationCanceledException>(() => ClusterClient.ConnectAsync(stranger, patience.Token), "a client without a certificate of the authority was let in");
        }
    }

    [Theory]
    [InlineData("one", "ca.pem", "", "CertificateKey is empty and Certificate is not", "or none")]
    [InlineData("one", "absent.pem", "one", "CertificateAuthority '*absent.pem' does not exist", "PEM file")]
    [InlineData("one", "other.pem", "one", "Certificate '*one.pem' is not signed by CertificateAuthority '*other.pem'", "signed anew")]
    [InlineData("one", "ca.pem", "stranger", "cannot be used", "the key of that certificate")]
    [InlineData("one", "one.key", "one", "CertificateAuthority '*one.key' has no certificate in it", "PEM file")]
    public void Problems_OfCertificates_NameTheFileAndTheRemedy(string certificate, string authority, string key, params string[] parts)
    {
        Certificates.Issue(_folder.Path, "ca.pem", "one");
        Certificates.Issue(_folder.Path, "other.pem", "stranger");
        var options = As(certificate, authority);
        options.CertificateKey = key.Length == 0 ? "" : _folder.File(key + ".key");

        var problem = options.Problems().ShouldHaveSingleItem().Replace(_folder.Path + "/", "*", StringComparison.Ordinal);

        parts.ShouldAllBe(p => problem.Contains(p, StringComparison.Ordinal), problem);
    }

    private MetaRouterClusterOptions As(string name, string authority = "ca.pem") => name.Length == 0 ? new() { Redis = redis.Server.Address, ServiceId = "tls", ClusterId = "tls" } : new()
    {
        Redis = redis.Server.Address,
        ServiceId = "tls",
        ClusterId = "tls",
        Certificate = _folder.File(name + ".pem"),
        CertificateKey = _folder.File(name + ".key"),
        CertificateAuthority = _folder.File(authority),
    };

    private string[] Settings(string name) =>
    [
        "--MetaRouter:Cluster:Certificate", _folder.File(name + ".pem"), "--MetaRouter:Cluster:CertificateKey", _folder.File(name + ".key"),
        "--MetaRouter:Cluster:CertificateAuthority", _folder.File("ca.pem"),
    ];

    /// <summary>The subject of the certificate that a silo shows to whoever comes, and whether it goes on with who shows this one.</summary>
    private async Task<(string? Shown, bool IsLetIn)> KnockAsync(int port, string? name)
    {
        using var own = name is null ? null : X509Certificate2.CreateFromPemFile(_folder.File(name + ".pem"), _folder.File(name + ".key"));
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", port);
        string? subject = null;
        await using var tls = new SslStream(tcp.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "metarouter",
                ClientCertificates = own is null ? null : [own],
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    subject = certificate?.Subject;
                    return certificate is not null; // whose it is does not matter here
                },
            });
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(3));
            return (subject, await tls.ReadAsync(new byte[1], patience.Token) > 0); // a refusal comes after the client's part of the handshake
        }
        catch (OperationCanceledException)
        {
            return (subject, true); // it waits for what the client has to say
        }
        catch (IOException)
        {
            return (subject, false);
        }
    }
}
