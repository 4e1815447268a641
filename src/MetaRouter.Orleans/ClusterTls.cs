using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using global::Orleans.Connections.Security;

namespace MetaRouter.Orleans;

/// <summary>
/// TLS among silos and clients, both of which show a certificate: what the cluster's own authority signed is let in, whatever its name, since silos and clients are found by
/// addresses that come and go. The machine's other authorities count for nothing here.
/// </summary>
internal sealed class ClusterTls
{
    private readonly X509Certificate2 _own;
    private readonly X509Certificate2Collection _authorities;

    private ClusterTls(X509Certificate2 own, X509Certificate2Collection authorities) => (_own, _authorities) = (own, authorities);

    /// <summary>What the settings name; null: they name nothing.</summary>
    public static ClusterTls? Of(MetaRouterClusterOptions cluster)
    {
        if (cluster.Certificate.Length == 0)
        {
            return null;
        }

        var tls = new ClusterTls(X509Certificate2.CreateFromPemFile(cluster.Certificate, cluster.CertificateKey), []);
        tls._authorities.ImportFromPemFile(cluster.CertificateAuthority);
        return tls;
    }

    /// <summary>Why the settings are no certificate of the cluster; null: they are, or there is none.</summary>
    public static string? ProblemOf(MetaRouterClusterOptions cluster)
    {
        (string Name, string File)[] files =
        [
            (nameof(cluster.Certificate), cluster.Certificate), (nameof(cluster.CertificateKey), cluster.CertificateKey), (nameof(cluster.CertificateAuthority), cluster.CertificateAuthority),
        ];
        if (Array.TrueForAll(files, f => f.File.Length == 0))
        {
            return null;
        }

        if (Array.Find(files, f => f.File.Length == 0).Name is { } missing)
        {
            return $"{missing} is empty and {Array.Find(files, f => f.File.Length > 0).Name} is not; give all of {string.Join(", ", files.Select(f => f.Name))}, or none";
        }

        if (Array.Find(files, f => !File.Exists(f.File)) is { Name: { } name } absent)
        {
            return $"{name} '{absent.File}' does not exist; name a PEM file that this process can read";
        }

        try
        {
            var tls = Of(cluster)!;
            return tls._authorities.Count == 0 ? $"{nameof(cluster.CertificateAuthority)} '{cluster.CertificateAuthority}' has no certificate in it; name a PEM file that has the authority's"
                : !tls.IsOfCluster(tls._own, null) ? $"{nameof(cluster.Certificate)} '{cluster.Certificate}' is not signed by {nameof(cluster.CertificateAuthority)} '{cluster.CertificateAuthority}', "
                    + "or not valid today: the others would refuse it. Have it signed anew, or name the authority that signed it"
                : null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            return $"{nameof(cluster.Certificate)} '{cluster.Certificate}' with {nameof(cluster.CertificateKey)} '{cluster.CertificateKey}' and {nameof(cluster.CertificateAuthority)} "
                + $"'{cluster.CertificateAuthority}' cannot be used: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}; name PEM files that this process can read, and the key of that certificate";
        }
    }

    public void Apply(TlsOptions options)
    {
        options.LocalCertificate = _own;
        options.RemoteCertificateMode = options.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
        options.RemoteCertificateValidation = (certificate, chain, _) => IsOfCluster(certificate, chain);
        options.OnAuthenticateAsClient = (_, client) => client.TargetHost = "metarouter"; // must be some name; which one is not looked at
    }

    /// <param name="shown">What was shown with it, intermediate authorities among it; null: nothing.</param>
    private bool IsOfCluster(X509Certificate2 certificate, X509Chain? shown)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (var element in shown?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return chain.Build(certificate);
    }
}
