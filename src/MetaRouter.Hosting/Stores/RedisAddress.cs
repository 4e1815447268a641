using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using StackExchange.Redis;

namespace MetaRouter.Hosting.Stores;

/// <summary>
/// Where a Redis is and how it is spoken to, in one text: <c>HOST:PORT</c>, more of them, and options, separated by commas; without a port 6379, and 6380 over
/// TLS. Beside StackExchange.Redis' own options
/// (<c>ssl=true</c>, <c>sslHost=...</c>, <c>user=...</c>, <c>password=...</c>) there are <c>ca=FILE</c>, the authority that signed its certificate where the machine does not
/// know it; <c>cert=FILE</c> and <c>key=FILE</c>, this side's certificate where Redis asks for one; and <c>passwordFile=FILE</c>, which keeps the password out of settings.
/// Files are PEM. Any of ca, cert and key turns TLS on.
/// </summary>
internal static class RedisAddress
{
    private const string Authority = "ca", Certificate = "cert", Key = "key", PasswordFile = "passwordFile";
    private const int Port = 6379, TlsPort = 6380;

    /// <exception cref="StoreException">It cannot be understood, or a file that it names cannot be read.</exception>
    public static ConfigurationOptions Parse(string address)
    {
        var (files, rest) = (new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase), new List<string>());
        foreach (var part in address.Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? "" : part[..equals].Trim();
            if (new[] { Authority, Certificate, Key, PasswordFile }.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                files[name] = part[(equals + 1)..].Trim();
            }
            else
            {
                rest.Add(part);
            }
        }

        try
        {
            if (rest.Any(IsUrl))
            {
                throw new ArgumentException("it is a URL"); // the client would take all of it, the password too, for a host's name
            }

            var options = ConfigurationOptions.Parse(string.Join(',', rest));
            if (options.EndPoints.Count == 0)
            {
                throw new ArgumentException("it names no HOST:PORT");
            }

            Secure(options, files);
            NamePorts(options);
            return options;
        }
        catch (ArgumentException e)
        {
            // The address is not repeated: a password may be in it.
            throw new StoreException(
                $"The address of Redis cannot be understood: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}. "
                    + "Write HOST:PORT, and after it, separated by commas, further hosts, password=... or passwordFile=FILE, ssl=true, ca=FILE.",
                e);
        }
    }

    /// <summary>What is wrong with an address, without a period at the end; null: nothing.</summary>
    public static string? ProblemOf(string address)
    {
        try
        {
            Parse(address);
            return null;
        }
        catch (StoreException e)
        {
            return e.Message.TrimEnd('.');
        }
    }

    /// <summary>As it may be shown: only the first host, since a password may follow it, or precede it as in a URL.</summary>
    public static string Shown(string address)
    {
        if (IsUrl(address))
        {
            var credentials = address[..(address.LastIndexOf('@') + 1)];
            var mayEndInAnOption = credentials.Contains(',', StringComparison.Ordinal) && credentials.Contains('=', StringComparison.Ordinal); // whose value would follow the @
            address = mayEndInAnOption ? "" : address[credentials.Length..];
        }

        return (address.Split(',').FirstOrDefault(part => !part.Contains('=', StringComparison.Ordinal)) ?? "").Split('@')[^1];
    }

    /// <summary>The part after a = may be an option's value with slashes, and a URL may have a = in its password.</summary>
    private static bool IsUrl(string text) => text.Split('=')[0].Contains("//", StringComparison.Ordinal);

    /// <summary>The client would use these ports too, but logs and messages would say port 0.</summary>
    private static void NamePorts(ConfigurationOptions options)
    {
        if (!string.IsNullOrEmpty(options.ServiceName))
        {
            return; // sentinels listen elsewhere
        }

        var port = options.Ssl ? TlsPort : Port;
        for (var i = 0; i < options.EndPoints.Count; i++)
        {
            options.EndPoints[i] = options.EndPoints[i] switch
            {
                DnsEndPoint { Port: 0 } host => new DnsEndPoint(host.Host, port, host.AddressFamily),
                IPEndPoint { Port: 0 } address => new IPEndPoint(address.Address, port),
                var other => other,
            };
        }
    }

    private static void Secure(ConfigurationOptions options, Dictionary<string, string> files)
    {
        if (files.TryGetValue(PasswordFile, out var password))
        {
            options.Password = Read(PasswordFile, password, File.ReadAllText).TrimEnd('\r', '\n');
        }

        if (files.TryGetValue(Authority, out var authority))
        {
            options.Ssl = true;
            options.TrustIssuer(Read(Authority, authority, X509CertificateLoader.LoadCertificateFromFile));
        }

        if (files.TryGetValue(Certificate, out var certificate) != files.TryGetValue(Key, out var key))
        {
            throw new ArgumentException($"it has {(key is null ? Certificate : Key)}= but not {(key is null ? Key : Certificate)}=; give both, or neither");
        }

        if (certificate is not null)
        {
            options.Ssl = true;
            Read(Certificate, certificate, _ => X509Certificate2.CreateFromPemFile(certificate, key)).Dispose();
            options.SetUserPemCertificate(certificate, key);
        }
    }

    private static T Read<T>(string option, string file, Func<string, T> read)
    {
        try
        {
            return read(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new StoreException(
                $"The address of Redis has {option}={file}, and that file cannot be used: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}. "
                    + $"Name a file that this process can read{(option == PasswordFile ? "" : ", in PEM")}.",
                e);
        }
    }
}
