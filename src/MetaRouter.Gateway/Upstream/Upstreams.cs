using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// Calls the services behind the models. A call goes to the first endpoint that is well; when that fails before its answer has begun, to the next, until one
/// answers or the attempts are used up. An answer that has begun is never begun again elsewhere: somebody has paid for it.
/// </summary>
internal sealed partial class Upstreams(HttpMessageInvoker http, GatewaySettings settings, TimeProvider time, GatewayMetrics metrics, ILogger<Upstreams> logger)
{
    public const string BrokeOff = "upstream_broke_off";

    private static readonly MediaTypeHeaderValue Json = new("application/json");
    private static readonly UpstreamOptions Simulated = new() { Model = UpstreamOptions.AnyModel, BaseUrl = "http://simulated.invalid/v1" };

    private readonly ILookup<string, UpstreamOptions> _of = (settings.IsDemo ? [Simulated] : settings.Upstreams).ToLookup(u => u.Model);
    private readonly ConcurrentDictionary<ModelId, Endpoint[]> _endpoints = new();
    private volatile bool _hasOpened;

    /// <summary>Whether anything serves the model.</summary>
    public bool Serves(ModelId model) => EndpointsOf(model).Length > 0;

    /// <summary>The models all of whose endpoints are being left alone; null: none. When that is every one of them, none: trying is better than refusing.</summary>
    /// <param name="evenAll">Every one of them is told as well, for people.</param>
    public IReadOnlySet<ModelId>? Unhealthy(ModelCatalog catalog, bool evenAll = false)
    {
        if (!_hasOpened)
        {
            return null;
        }

        var found = catalog.Models.Where(m => EndpointsOf(m.Id) is { Length: > 0 } all && Array.TrueForAll(all, e => e.Circuit.IsOpen)).Select(m => m.Id).ToHashSet();
        return found.Count == 0 || !evenAll && catalog.Models.All(m => !m.Enabled || found.Contains(m.Id)) ? null : found;
    }

    /// <summary>The best that can be said of the model's endpoints, for people: see <see cref="Circuit.State"/>.</summary>
    public string CircuitOf(ModelId model) => EndpointsOf(model).Select(e => e.Circuit.State).Order(StringComparer.Ordinal).FirstOrDefault("closed");

    /// <summary>Where the model is called, for people: hosts, without paths or keys. Null: nowhere.</summary>
    public string? HostsOf(ModelId model) => settings.IsDemo ? "simulated" : string.Join(", ", EndpointsOf(model).Select(e => new Uri(e.Options.BaseUrl).Authority).Distinct()) is { Length: > 0 } hosts ? hosts : null;

    /// <summary>Every endpoint that is being left alone, for people.</summary>
    public IEnumerable<(ModelId Model, string BaseUrl, DateTimeOffset Until)> Open() =>
        _endpoints.SelectMany(e => e.Value.Where(one => one.Circuit.IsOpen).Select(one => (e.Key, one.Options.BaseUrl, one.Circuit.Until)));

    /// <summary>Sends the request to the models in turn until one answers.</summary>
    /// <param name="path">Below the version, such as <c>/chat/completions</c>.</param>
    /// <param name="models">In order of preference, 1 or more. Those after the first are for when it fails, and are not asked for before.</param>
    /// <param name="inVain">Told of every model that was given the prompt and brought no whole answer, where it may have been at work on it: it bills that.</param>
    /// <exception cref="CallerLeftException">The request had been sent.</exception>
    /// <exception cref="ApiException">502: the upstream cannot be reached, fails, or does not answer in the form it should; 503: it is being left alone; 504: it takes too long.</exception>
    public async Task<UpstreamAnswer> SendAsync(string path, IAsyncEnumerable<ModelId> models, UpstreamBody body, Action<ModelId> inVain, CancellationToken cancellationToken)
    {
        var (attempts, refused, failed, resting) = (0, default(UpstreamAnswer), default(ApiException), default((ModelId, DateTimeOffset)?));
        var tried = new List<ModelId>();
        await foreach (var model in models.ConfigureAwait(false))
        {
            var endpoints = EndpointsOf(model);
            failed ??= endpoints.Length == 0 ? new ApiException(502, ErrorCodes.Upstream, "no_upstream", $"No upstream is configured for the model '{model}'. Add one to section {UpstreamOptions.Section}.") : null;
            foreach (var endpoint in endpoints)
            {
                if (attempts == settings.Gateway.MostAttempts)
                {
                    break;
                }

                if (!endpoint.Circuit.TryEnter())
                {
                    resting ??= (model, endpoint.Circuit.Until);
                    continue;
                }

                attempts++;
                if (!tried.Contains(model))
                {
                    tried.Add(model);
                }

                try
                {
                    var answer = await TryAsync(endpoint, model, path, body, cancellationToken).ConfigureAwait(false);
                    if (answer.Status is not (404 or 429))
                    {
                        answer.Attempts = attempts;
                        return answer;
                    }

                    if (endpoint.Refusals.IsDue())
                    {
                        LogRefused(model.Value, endpoint.Options.BaseUrl, answer.Status, answer.Status == 404 ? "it knows no such model, or no such path: check UpstreamModel and BaseUrl" : "its rate or quota is used up");
                    }

                    refused ??= answer;
                }
                catch (UpstreamException e)
                {
                    LogFailed(model.Value, endpoint.Options.BaseUrl, e.Message);
                    metrics.UpstreamFailures.Add(1, new(LabelNames.Model, model.Value), new(LabelNames.Reason, e.Error.Code));
                    failed ??= e.Error;
                    if (e.WasAtWork)
                    {
                        inVain(model);
                    }

                    if (e.HasBegun)
                    {
                        throw e.Error;
                    }
                }
            }

            if (attempts == settings.Gateway.MostAttempts)
            {
                break;
            }
        }

        if (refused is not null)
        {
            return refused with { Attempts = attempts };
        }

        // The first failure, and whom else it was in vain to ask: an outage of all looks otherwise like one of a single model.
        if (failed is not null && tried.Count > 1)
        {
            failed = new ApiException(failed.Status, failed.Type, failed.Code, $"{failed.Message} Tried, and failed: {string.Join(", ", tried.Select(m => $"'{m}'"))}.", failed.Param) { RetryAfter = failed.RetryAfter };
        }

        throw failed ?? (resting is var (name, until)
            ? new ApiException(503, ErrorCodes.Upstream, "upstream_resting", $"The upstream of the model '{name}' failed again and again and {(until > time.GetUtcNow() ? FormattableString.Invariant($"is left alone until {until.UtcDateTime:HH:mm:ss} UTC. Try again then") : "another call is trying it. Try again in a moment")}, or name another model.")
            {
                RetryAfter = Math.Max(1, (int)Math.Ceiling((until - time.GetUtcNow()).TotalSeconds)),
            }
            : throw new InvalidOperationException("No model was named."));
    }

    /// <summary>A stream has come to its end.</summary>
    public static void Ended(UpstreamAnswer answer) => answer.Endpoint.Circuit.Succeed();

    /// <summary>An upstream's mid-answer failure counts against it as well.</summary>
    public void Failed(UpstreamAnswer answer, string reason)
    {
        metrics.UpstreamFailures.Add(1, new(LabelNames.Model, answer.Model.Value), new(LabelNames.Reason, BrokeOff));
        LogFailed(answer.Model.Value, answer.Endpoint.Options.BaseUrl, reason);
        Fail(answer.Endpoint, answer.Model);
    }

    private async Task<UpstreamAnswer> TryAsync(Endpoint endpoint, ModelId model, string path, UpstreamBody body, CancellationToken cancellationToken)
    {
        var upstream = endpoint.Options;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(upstream.TimeoutSeconds));
        var (response, content, hasBegun, isOpen) = (default(HttpResponseMessage), default(SentContent), false, false);
        UpstreamCall? call = new(metrics, model, endpoint.Address, path, body.Streams);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, endpoint.UrlOf(path)) { Content = content = new SentContent(body.For(upstream.UpstreamModel.Length > 0 ? upstream.UpstreamModel : model.Value, upstream.AskUsage, upstream.MaxCompletionTokens)) };
            content.Headers.ContentType = Json;
            if (endpoint.Authorization is { } authorization)
            {
                request.Headers.Authorization = authorization;
            }

            response = await http.SendAsync(request, timeout.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                var refused = await RefusedAsync(response, endpoint, model, timeout.Token).ConfigureAwait(false);
                call.End(default, refused.Status.ToString(System.Globalization.CultureInfo.InvariantCulture));
                return refused;
            }

            if (!body.Streams)
            {
                hasBegun = true;
                var bytes = await BytesAsync(response, model, timeout.Token).ConfigureAwait(false);
                var part = CompletionPart.ReadWhole(bytes) ?? throw Failure(model, "answered with something that is not a JSON object");
                if (part.IsError && !part.HasChoices)
                {
                    hasBegun = false; // nobody pays for an error
                    throw Failure(model, "answered with an error, under status 200");
                }

                endpoint.Circuit.Succeed();
                call.End(part.Usage);
                return new UpstreamAnswer(model, endpoint, 200) { Headers = response.Headers, Body = bytes, Part = part };
            }

            if (response.Content.Headers.ContentType?.MediaType is not "text/event-stream")
            {
                throw Failure(model, $"was asked for a stream and answered with '{response.Content.Headers.ContentType?.MediaType ?? "no content type"}' instead of text/event-stream");
            }

            isOpen = true;
            var events = new SseReader(await response.Content.ReadAsStreamAsync(timeout.Token).ConfigureAwait(false), settings.Gateway.UpstreamBodyBytes);
            ReadOnlyMemory<byte> first;
            try
            {
                first = await FirstAsync(events, model, timeout.Token).ConfigureAwait(false);
            }
            catch
            {
                events.Dispose();
                throw;
            }

            endpoint.Circuit.Begin();
            call.Began();
            var answer = new UpstreamAnswer(model, endpoint, 200) { Headers = response.Headers, Events = events, First = first, Response = response, Call = call };
            (response, call) = (null, null);
            return answer;
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            endpoint.Circuit.Leave();
            call?.End(default, UpstreamCall.Left);
            if (content?.IsSent == true)
            {
                throw new CallerLeftException(model, e);
            }

            throw;
        }
        catch (OperationCanceledException)
        {
            Fail(endpoint, model);
            call?.End(default, "upstream_timeout");
            throw new UpstreamException(new ApiException(504, ErrorCodes.Upstream, "upstream_timeout", FormattableString.Invariant($"The upstream of the model '{model}' gave no answer within {upstream.TimeoutSeconds} s. Try again, ask for less, or name another model.")), "gave no answer in time") { HasBegun = hasBegun, WasAtWork = content?.IsSent == true };
        }
        catch (UpstreamException e)
        {
            Fail(endpoint, model, e.RetryAfter);
            call?.End(default, e.Error.Code);
            throw hasBegun ? new UpstreamException(e.Error, e.Message) { HasBegun = true } : e;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException)
        {
            Fail(endpoint, model);
            var told = Failure(model, e is InvalidDataException ? "sent what cannot be read" : hasBegun ? "broke off in the middle of its answer" : "cannot be reached or broke off");
            call?.End(default, told.Error.Code);
            throw new UpstreamException(told.Error, e.Message) { HasBegun = hasBegun, WasAtWork = isOpen };
        }
        catch
        {
            endpoint.Circuit.Leave(); // else a circuit that this call was to try would wait for its answer for ever
            throw;
        }
        finally
        {
            response?.Dispose();
            call?.End(default, "internal_error"); // of what nobody expected; else it has ended
        }
    }

    /// <summary>The first event that says something: until it is here, another upstream can still take over.</summary>
    private static async Task<ReadOnlyMemory<byte>> FirstAsync(SseReader events, ModelId model, CancellationToken cancellationToken)
    {
        while (true)
        {
            var first = await events.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (first.IsEmpty)
            {
                throw Failure(model, "ended its stream before it began", wasAtWork: true);
            }

            var chunk = CompletionPart.Read(first.Span);
            if (chunk.IsError)
            {
                throw Failure(model, "began its stream with an error");
            }

            if (chunk.HasChoices || chunk.IsDone || !chunk.Usage.IsUnknown)
            {
                return first;
            }
        }
    }

    private async Task<UpstreamAnswer> RefusedAsync(HttpResponseMessage response, Endpoint endpoint, ModelId model, CancellationToken cancellationToken)
    {
        if (response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity or HttpStatusCode.TooManyRequests)
        {
            var bytes = await BytesAsync(response, model, cancellationToken).ConfigureAwait(false);
            if (CompletionPart.ReadWhole(bytes) is not null && (response.StatusCode != HttpStatusCode.Forbidden || Moderation.Refuses(bytes)))
            {
                // It works; it does not want this request. Only one that says for how long it wants none is left alone.
                if (response.StatusCode == HttpStatusCode.TooManyRequests && RetryAfter(response) is { } pause)
                {
                    Fail(endpoint, model, pause);
                }
                else
                {
                    endpoint.Circuit.Succeed();
                }

                return new UpstreamAnswer(model, endpoint, (int)response.StatusCode) { Body = bytes, Headers = response.Headers };
            }
        }

        if (response.StatusCode == HttpStatusCode.RequestEntityTooLarge)
        {
            // A proxy before it says so, in a form of its own: the next request need not be as long.
            endpoint.Circuit.Succeed();
            var error = new ErrorBody($"The upstream of the model '{model}' finds the request too large. Send less, or name another model.", ErrorCodes.InvalidRequest, null, "upstream_refused");
            return new UpstreamAnswer(model, endpoint, StatusCodes.Status413PayloadTooLarge) { Body = JsonSerializer.SerializeToUtf8Bytes(new ErrorAnswer(error), GatewayJson.Readable), Headers = response.Headers };
        }

        throw Failure(model, $"answered with status {(int)response.StatusCode}{(response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? ", so its key or rights need the operator's attention" : "")}", RetryAfter(response));
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } when delta > TimeSpan.Zero => delta,
        { Date: { } date } when date > time.GetUtcNow() => date - time.GetUtcNow(),
        _ => null,
    };

    private async Task<byte[]> BytesAsync(HttpResponseMessage response, ModelId model, CancellationToken cancellationToken)
    {
        var limit = settings.Gateway.UpstreamBodyBytes;
        if (response.Content.Headers.ContentLength is { } length && length <= limit)
        {
            var exact = new byte[length];
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            await stream.ReadExactlyAsync(exact, cancellationToken).ConfigureAwait(false);
            return exact;
        }

        using var buffer = new MemoryStream();
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var part = new byte[16 * 1024];
        while (await body.ReadAsync(part, cancellationToken).ConfigureAwait(false) is > 0 and var read)
        {
            if (buffer.Length + read > limit)
            {
                throw Failure(model, "sent a longer answer than Gateway:UpstreamBodyBytes allows");
            }

            buffer.Write(part, 0, read);
        }

        return buffer.ToArray();
    }

    private Endpoint[] EndpointsOf(ModelId model) => _endpoints.GetOrAdd(model, static (id, me) => me.Meet(id), this);

    private Endpoint[] Meet(ModelId model)
    {
        var own = _of[model.Value];
        return [.. (own.Any() ? own : _of[UpstreamOptions.AnyModel]).Select(u => new Endpoint(u, new Circuit(time, settings.Gateway.CircuitFailures, TimeSpan.FromSeconds(settings.Gateway.CircuitSeconds)), new OnceAMinute(time)))];
    }

    private void Fail(Endpoint endpoint, ModelId model, TimeSpan? atLeast = null)
    {
        if (endpoint.Circuit.Fail(atLeast))
        {
            _hasOpened = true;
            metrics.CircuitsOpened.Add(1, new KeyValuePair<string, object?>(LabelNames.Model, model.Value));
            LogOpened(model.Value, endpoint.Options.BaseUrl, endpoint.Circuit.Until);
        }
    }

    private static UpstreamException Failure(ModelId model, string what, TimeSpan? retryAfter = null, bool wasAtWork = false) =>
        new(new ApiException(502, ErrorCodes.Upstream, "upstream_failed", $"The upstream of the model '{model}' {what}. Try again, or name another model."), what) { RetryAfter = retryAfter, WasAtWork = wasAtWork };

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upstream of {Model} at {Url} failed: {Reason}")]
    private partial void LogFailed(string model, string url, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upstream of {Model} at {Url} refuses requests with status {Status}: {Meaning}. Where there is another, it is asked each time. Not told again within a minute.")]
    private partial void LogRefused(string model, string url, int status, string meaning);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upstream of {Model} at {Url} is left alone until {Until:O}.")]
    private partial void LogOpened(string model, string url, DateTimeOffset until);

    /// <summary>One endpoint as it serves one model.</summary>
    /// <param name="Refusals">Whether a refusal is told: one that goes on comes with every request.</param>
    internal sealed record Endpoint(UpstreamOptions Options, Circuit Circuit, OnceAMinute Refusals)
    {
        private readonly ConcurrentDictionary<string, Uri> _urls = new();

        public Uri Address { get; } = new(Options.BaseUrl);

        public AuthenticationHeaderValue? Authorization { get; } = Options.Key is { } key ? new("Bearer", key) : null;

        /// <param name="path">One of the few that are called, below the version.</param>
        public Uri UrlOf(string path) => _urls.GetOrAdd(path, static (p, options) => new Uri(options.BaseUrl.TrimEnd('/') + p), Options);
    }
}
