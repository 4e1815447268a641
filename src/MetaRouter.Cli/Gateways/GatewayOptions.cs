using System.CommandLine;
using System.Net.Http.Headers;
using System.Text.Json;
using MetaRouter.Client;

namespace MetaRouter.Cli.Gateways;

/// <summary>Which gateway a command asks, with which key; and what went wrong with it, as a sentence.</summary>
internal sealed class GatewayOptions
{
    public const string DefaultUrl = "http://127.0.0.1:8080", UrlVariable = "METAROUTER_URL", KeyVariable = "METAROUTER_KEY";
    private static readonly TimeSpan s_connects = TimeSpan.FromSeconds(10);

    private readonly Option<string?> _url = new("--url") { Description = $"The gateway's address. Default: ${UrlVariable}, else {DefaultUrl}.", HelpName = "URL" };
    private readonly Option<string?> _key = new("--key") { HelpName = "KEY" };

    /// <summary>How long an answer is waited for.</summary>
    public TimeSpan Patience { get; init; } = s_connects;

    /// <param name="scope">What the command's requests need.</param>
    public void AddTo(Command command, string scope = "read")
    {
        _key.Description = $"An API key with the scope {scope}; other users of the machine can see it, so prefer ${KeyVariable}. Default: that variable, else none.";
        command.Options.Add(_url);
        command.Options.Add(_key);
    }

    /// <exception cref="BadInputException">An address or a key that cannot be used, or that the gateway refuses.</exception>
    /// <exception cref="GatewayException">The gateway is not there.</exception>
    public async Task<int> AskAsync(ParseResult parsed, Terminal terminal, Func<MetaRouterClient, Uri, Task<int>> work)
    {
        var address = Address(parsed.GetValue(_url) ?? terminal.Variable(UrlVariable) ?? DefaultUrl, DefaultUrl);
        // A proxy cannot reach a gateway that listens on this machine only.
        using var handler = new SocketsHttpHandler { UseProxy = !address.IsLoopback, ConnectTimeout = s_connects };
        using var http = new HttpClient(handler) { BaseAddress = address, Timeout = Patience };
        var key = parsed.GetValue(_key) ?? terminal.Variable(KeyVariable);
        http.DefaultRequestHeaders.Authorization = string.IsNullOrEmpty(key) ? null : Authorization(key, $"--key or {KeyVariable}");
        try
        {
            return await work(new MetaRouterClient(http), address).ConfigureAwait(false);
        }
        catch (Exception e) when (Explain(e, address, Patience) is { } said)
        {
            throw said;
        }
    }

    /// <summary>Null: the exception is not about a gateway.</summary>
    /// <param name="patience">Null: as long as by default.</param>
    public static Exception? Explain(Exception e, Uri address, TimeSpan? patience = null) => e switch
    {
        HttpRequestException or IOException => new GatewayException(
            $"No gateway answers at {Shown(address)} ({e.GetBaseException().Message.TrimEnd('.')}). Start one with 'metarouter-gateway', "
                + "in the repository 'dotnet run -c Release --project src/MetaRouter.Gateway', or name another with --url.",
            e),
        TaskCanceledException { InnerException: TimeoutException } => new GatewayException(
            $"The gateway at {Shown(address)} did not answer within {(patience ?? s_connects).TotalSeconds:0} s. Look at its log, or try again later.", e),
        JsonException or MetaRouterException { Code: "invalid_answer" } => new BadInputException($"{Shown(address)} answers, but not as a gateway of this version. Check --url.", e),
        MetaRouterException { Status: 401 } => new BadInputException(
            $"The gateway at {Shown(address)} refused the key: {e.Message} Give one with --key or {KeyVariable}; the gateway's command 'new-key TENANT read' makes one.",
            e),
        MetaRouterException { Status: 403, Code: "insufficient_scope" } => new BadInputException($"{e.Message.TrimEnd('.')}: --key or {KeyVariable}.", e),
        MetaRouterException { Status: 404, Code: "" or "unknown_url" } => new BadInputException($"{Shown(address)} answers, but has no console's API. Check --url, or the gateway's version.", e),
        MetaRouterException { Status: 429 or >= 500 and not 501 } => new GatewayException($"The gateway at {Shown(address)}: {e.Message}", e),
        MetaRouterException => new BadInputException(e.Message, e),
        _ => null,
    };

    public static string Shown(Uri address) => address.AbsoluteUri.TrimEnd('/');

    /// <param name="example">Of what to give.</param>
    public static Uri Address(string text, string example) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address.UserInfo.Length == 0
            ? new Uri(address.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/")
            : throw new BadInputException($"--url '{text}': give an http or https address, such as {example}.");

    /// <summary>Never repeats the key.</summary>
    /// <param name="from">Where the key is from.</param>
    public static AuthenticationHeaderValue Authorization(string key, string from) =>
        key.All(c => c is > ' ' and <= '~')
            ? new("Bearer", key)
            : throw new BadInputException($"{from}: the key has blanks or characters that no key has; give it as it was shown, a gateway's by 'new-key'.");
}
