using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MetaRouter.Cli.Gateways;
using MetaRouter.Core.Catalog;
using Polly;
using Polly.Retry;
using static MetaRouter.Cli.Grading.EndpointJson;

namespace MetaRouter.Cli.Grading;

/// <summary>An OpenAI-compatible endpoint, this project's gateway among them, asked for whole answers. Who says that it has no room now is asked again, when it says or later each time.</summary>
/// <param name="address">What <c>chat/completions</c> is below, with a slash at its end.</param>
/// <param name="maxTokens">Of an answer; null: as many as the model likes.</param>
/// <param name="prices">Of models whose answers come without their cost.</param>
internal sealed class ChatEndpoint(Uri address, AuthenticationHeaderValue? key, int? maxTokens, IDictionary<ModelId, ModelProfile> prices, Purse purse, TimeProvider clock) : IDisposable
{
    private const int Retries = 5, RetriesOfFaults = 2, MostListed = 20;

    /// <summary>The gateway's word for what an answer cost.</summary>
    private const string Cost = "x-router-cost-usd";

    private static readonly TimeSpan s_connects = TimeSpan.FromSeconds(10), s_answers = TimeSpan.FromMinutes(10), s_longestWait = TimeSpan.FromMinutes(2);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = !address.IsLoopback, ConnectTimeout = s_connects }) { BaseAddress = address, Timeout = s_answers, DefaultRequestHeaders = { Authorization = key } };
    private readonly ConcurrentDictionary<ModelId, string> _limits = [];
    private string[] _listed = [];

    private readonly ResiliencePipeline<HttpResponseMessage> _again = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = clock }.AddRetry(new RetryStrategyOptions<HttpResponseMessage>
    {
        // What was sent and broke off is not sent again: it may have been paid for.
        ShouldHandle = args => ValueTask.FromResult(args.Outcome switch
        {
            { Exception: { } e } => IsUnsent(e),
            { Result: { } response } => IsPassing(response.StatusCode, args.AttemptNumber) && !(RetryAfter(response, clock) > s_longestWait),
            _ => false,
        }),
        DelayGenerator = args => ValueTask.FromResult(args.Outcome.Result is { } response ? RetryAfter(response, clock) : null),
        MaxRetryAttempts = Retries,
        Delay = TimeSpan.FromSeconds(1),
        MaxDelay = TimeSpan.FromSeconds(30),
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
    }).Build();

    public void Dispose() => _http.Dispose();

    /// <summary>Whether somebody is there and takes the key; takes over the prices that a gateway's list has.</summary>
    /// <exception cref="GatewayException">Nobody is there.</exception>
    /// <exception cref="BadInputException">The key is refused.</exception>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(s_connects);
            using var response = await _http.GetAsync("models", patience.Token).ConfigureAwait(false);
            using var body = await ReadAsync(response, patience.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.Unauthorized)
            {
                throw Refused(response.StatusCode, body, default);
            }

            if (response.IsSuccessStatusCode && Field(body, "data") is { ValueKind: JsonValueKind.Array } list)
            {
                _listed = [.. list.EnumerateArray().Select(m => Text(m, "id")).OfType<string>()];
                foreach (var (name, input, output) in list.EnumerateArray().Select(m => (Text(m, "id"), Number(m, "input_price_usd_per_million"), Number(m, "output_price_usd_per_million"))))
                {
                    if (name is { Length: > 0 and <= ModelId.MaxLength } && input is >= 0 and <= PricePerMillionTokens.MostUsd && output is >= 0 and <= PricePerMillionTokens.MostUsd)
                    {
                        prices.TryAdd(new ModelId(name), new ModelProfile(new ModelId(name), new(input), new(output)));
                    }
                }
            }
        }
        catch (Exception e) when (e is HttpRequestException or SocketException)
        {
            throw Away(e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new GatewayException(string.Create(CultureInfo.InvariantCulture, $"{GatewayOptions.Shown(address)} did not answer within {s_connects.TotalSeconds:0} s. Look at its log, or name another endpoint with --url."), e);
        }
    }

    /// <param name="messages">OpenAI's, as JSON.</param>
    /// <exception cref="NoAnswerException">There is none this time.</exception>
    /// <exception cref="OutOfMoneyException">It could cost more than is left.</exception>
    /// <exception cref="BadInputException">No call can succeed: the key, the model or the address is wrong.</exception>
    /// <exception cref="GatewayException">Nobody is there any longer, or has room.</exception>
    public async Task<ChatAnswer> AskAsync(ModelId model, string messages, CancellationToken cancellationToken)
    {
        var most = purse.IsLimited ? prices[model].CostUsd(Encoding.UTF8.GetByteCount(messages), maxTokens!.Value) : 0; // no token is shorter than a byte, and JSON frames each message with more of them than models do
        if (!await purse.HoldAsync(most, cancellationToken).ConfigureAwait(false))
        {
            throw new OutOfMoneyException();
        }

        var spent = most; // what broke off may have been paid for
        try
        {
            var (response, seconds) = await SendAsync(model, messages, cancellationToken).ConfigureAwait(false);
            using var whole = response;
            using var body = await ReadAsync(response, cancellationToken).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                spent = response.StatusCode == HttpStatusCode.GatewayTimeout ? most : 0;
                throw Refused(response.StatusCode, body, model);
            }

            var answer = Read(model, response, body) with { Seconds = seconds };
            spent = answer.CostUsd;
            return answer;
        }
        catch (Exception e) when (IsUnsent(e))
        {
            spent = 0;
            throw Away(e);
        }
        catch (HttpRequestException e)
        {
            throw new NoAnswerException($"the answer of '{model}' broke off ({e.GetBaseException().Message.TrimEnd('.')})", isOutage: true, e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new NoAnswerException(string.Create(CultureInfo.InvariantCulture, $"'{model}' gave no answer within {s_answers.TotalMinutes:0} minutes"), isOutage: true, e);
        }
        finally
        {
            purse.Settle(most, spent);
        }
    }

    private async Task<(HttpResponseMessage Response, double Seconds)> SendAsync(ModelId model, string messages, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (limit, seconds) = (_limits.GetValueOrDefault(model, "max_tokens"), 0.0);
            var response = await _again.ExecuteAsync(async token =>
            {
                var begun = clock.GetTimestamp();
                var answered = await _http.PostAsync("chat/completions", new ByteArrayContent(Body(model, messages, limit)) { Headers = { ContentType = new("application/json") } }, token).ConfigureAwait(false);
                seconds = clock.GetElapsedTime(begun).TotalSeconds;
                return answered;
            }, cancellationToken).ConfigureAwait(false);

            // OpenAI's reasoning models take their limit by this name only.
            const string Reasoning = "max_completion_tokens";
            if (response.StatusCode == HttpStatusCode.BadRequest && maxTokens is not null && limit != Reasoning && (await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false)).Contains(Reasoning, StringComparison.Ordinal))
            {
                response.Dispose();
                _limits[model] = Reasoning;
                continue;
            }

            return (response, seconds);
        }
    }

    private byte[] Body(ModelId model, string messages, string limit)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("model", model.Value);
            json.WritePropertyName("messages");
            json.WriteRawValue(messages);
            if (maxTokens is { } most)
            {
                json.WriteNumber(limit, most);
            }

            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private ChatAnswer Read(ModelId model, HttpResponseMessage response, JsonDocument? body)
    {
        if (Field(body, "choices") is not { ValueKind: JsonValueKind.Array } choices || choices.GetArrayLength() == 0 || !choices[0].TryGetProperty("message", out var message))
        {
            throw Field(body, "error").ValueKind is JsonValueKind.Object or JsonValueKind.String ? new NoAnswerException($"'{model}' answers with an error: {Said(body)}") : new BadInputException($"{GatewayOptions.Shown(address)} answers, but not as an OpenAI-compatible endpoint. Check --url.");
        }

        var usage = Field(body, "usage");
        var (input, output) = (Number(usage, "prompt_tokens"), Number(usage, "completion_tokens"));
        var cost = response.Headers.TryGetValues(Cost, out var told) && double.TryParse(told.First(), NumberStyles.Float, CultureInfo.InvariantCulture, out var usd) ? usd
            : prices.TryGetValue(model, out var price) ? price.CostUsd(input, output)
            : double.NaN;
        return new ChatAnswer(Text(message, "content") ?? Text(message, "refusal") ?? "", input, output, cost, 0, Text(choices[0], "finish_reason") == "length");
    }

    private Exception Refused(HttpStatusCode status, JsonDocument? body, ModelId model)
    {
        var (shown, said) = (GatewayOptions.Shown(address), Said(body));
        return status switch
        {
            HttpStatusCode.Unauthorized => new BadInputException($"{shown} refused the key: {said} Name the environment variable that has the right one with --api-key-env."),
            HttpStatusCode.PaymentRequired => new BadInputException($"{shown} wants to be paid first: {said}"),
            HttpStatusCode.NotFound when Field(body, "error").ValueKind != JsonValueKind.Object || Text(Field(body, "error"), "code") == "unknown_url" => new BadInputException($"{shown} answers, but has no chat completions: {said} Give the address that chat/completions is below, which mostly ends in /v1, with --url."),
            HttpStatusCode.NotFound => new BadInputException($"Model '{model}': {said}{(_listed.Length > 0 && !_listed.Any(m => said.Contains(m, StringComparison.Ordinal)) ? $" {shown} lists {string.Join(", ", _listed.Take(MostListed))}{(_listed.Length > MostListed ? ", ..." : "")}." : "")}"),
            HttpStatusCode.TooManyRequests => new GatewayException($"{shown} takes no more requests of '{model}' for now: {said} Try again later, or with a smaller --parallel."),
            _ => new NoAnswerException(string.Create(CultureInfo.InvariantCulture, $"'{model}' answers with status {(int)status}: {said}"), (int)status >= 500),
        };
    }

    private GatewayException Away(Exception e) =>
        new($"Nobody answers at {GatewayOptions.Shown(address)} ({e.GetBaseException().Message.TrimEnd('.')}). Start a gateway with 'metarouter-gateway', in the repository 'dotnet run -c Release --project src/MetaRouter.Gateway', or name another endpoint with --url.", e);

    /// <remarks>A connection reset as it is made is a <see cref="SocketException"/>, which .NET lets through.</remarks>
    private static bool IsUnsent(Exception e) => e is SocketException or HttpRequestException
    {
        HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError,
    };

    private static bool IsPassing(HttpStatusCode status, int attempt) =>
        status is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable || (status is HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError and not HttpStatusCode.NotImplemented && attempt < RetriesOfFaults);

    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider clock) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > clock.GetUtcNow() => date - clock.GetUtcNow(),
        _ => null,
    };
}
