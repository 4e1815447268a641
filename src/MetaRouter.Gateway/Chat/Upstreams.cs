using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Chat;

/// <summary>Calls the service behind a model.</summary>
internal sealed partial class Upstreams(IHttpClientFactory clients, GatewaySettings settings, ILogger<Upstreams> logger)
{
    public const string Client = "upstream";

    private static readonly MediaTypeHeaderValue Json = new("application/json");
    private static readonly UpstreamOptions Simulated = new() { Model = UpstreamOptions.AnyModel, BaseUrl = "http://simulated.invalid/v1" };

    private readonly ILogger<Upstreams> _logger = logger;
    private readonly Dictionary<string, UpstreamOptions> _of = (settings.IsDemo ? [Simulated] : settings.Upstreams).ToDictionary(u => u.Model);

    /// <summary>The answer of the model, as it came. 400, 404, 413, 422 and 429 are the caller's to hear as the upstream said them; other failures are the gateway's.</summary>
    /// <exception cref="ApiException">502: the upstream cannot be reached, fails, or does not answer in JSON; 504: it takes too long.</exception>
    public async Task<UpstreamAnswer> ChatAsync(ModelId model, byte[] body, CancellationToken cancellationToken)
    {
        var upstream = _of.GetValueOrDefault(model.Value) ?? _of.GetValueOrDefault(UpstreamOptions.AnyModel)
            ?? throw new ApiException(502, ErrorCodes.Upstream, "no_upstream", $"No upstream is configured for the model '{model}'. Add one to section {UpstreamOptions.Section}.");
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(upstream.TimeoutSeconds));
        using var request = new HttpRequestMessage(HttpMethod.Post, upstream.BaseUrl.TrimEnd('/') + "/chat/completions") { Content = new ByteArrayContent(JsonSplice.Set(body, "model", upstream.UpstreamModel.Length > 0 ? upstream.UpstreamModel : model.Value)) };
        request.Content.Headers.ContentType = Json;
        if (upstream.Key is { } key)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        try
        {
            using var response = await clients.CreateClient(Client).SendAsync(request, HttpCompletionOption.ResponseContentRead, timeout.Token).ConfigureAwait(false);
            var bytes = await response.Content.ReadAsByteArrayAsync(timeout.Token).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                return new(200, bytes, Usage(bytes) ?? throw Failed(model, "answered with something that is not a JSON object"), null);
            }

            return response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotFound or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity or HttpStatusCode.TooManyRequests && Usage(bytes) is not null
                ? new((int)response.StatusCode, bytes, default, response.Headers.RetryAfter?.ToString())
                : throw Failed(model, $"answered with status {(int)response.StatusCode}{(response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? ", so its key or rights need the operator's attention" : "")}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ApiException(504, ErrorCodes.Upstream, "upstream_timeout", FormattableString.Invariant($"The upstream of the model '{model}' gave no answer within {upstream.TimeoutSeconds} s. Try again, ask for less, or name another model."));
        }
        catch (HttpRequestException e)
        {
            LogFailed(model.Value, e.Message);
            throw Failed(model, e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded ? "sent a longer answer than Gateway:UpstreamBodyBytes allows" : "cannot be reached or broke off");
        }
    }

    /// <summary>Null when the text is no JSON object; zeros when it tells no usage.</summary>
    private static TokenUsage? Usage(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind != JsonValueKind.Object ? null
                : document.RootElement.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object ? new TokenUsage(Count(usage, "prompt_tokens"), Count(usage, "completion_tokens"))
                : default(TokenUsage);
        }
        catch (JsonException)
        {
            return null;
        }

        static long Count(JsonElement usage, string name) => usage.TryGetProperty(name, out var count) && count.ValueKind == JsonValueKind.Number && count.TryGetInt64(out var tokens) && tokens >= 0 ? tokens : 0;
    }

    private static ApiException Failed(ModelId model, string what) => new(502, ErrorCodes.Upstream, "upstream_failed", $"The upstream of the model '{model}' {what}. Try again, or name another model.");

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upstream of {Model} failed: {Reason}")]
    private partial void LogFailed(string model, string reason);
}

/// <param name="Status">200, or what the upstream has to say to the caller.</param>
/// <param name="Body">As it came.</param>
/// <param name="RetryAfter">The header of that name.</param>
internal readonly record struct UpstreamAnswer(int Status, byte[] Body, TokenUsage Usage, string? RetryAfter);

/// <summary>Tokens as the upstream counted them; both 0: it did not say.</summary>
internal readonly record struct TokenUsage(long Prompt, long Completion);
