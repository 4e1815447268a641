using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// One attempt to have one endpoint answer. Whether it is worth one, and what comes of a failure, is for <see cref="Upstreams"/> to say. Made anew for every attempt.
/// </summary>
/// <param name="limit">The longest answer taken, bytes; of a stream its longest event.</param>
internal sealed class UpstreamAttempt(HttpMessageInvoker http, GatewayMetrics metrics, TimeProvider time, UpstreamEndpoint endpoint, ModelId model, UpstreamBody body, int limit)
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <summary>An answer is on its way that somebody pays for: whole ones from the status on.</summary>
    private bool _hasBegun;

    /// <summary>The stream that was asked for is open, whatever it will say.</summary>
    private bool _isOpen;

    /// <returns>A whole answer, a stream whose first event is here, or what the upstream has to say against the request.</returns>
    /// <exception cref="UpstreamException">It failed.</exception>
    /// <exception cref="CallerLeftException">The request had been sent.</exception>
    public async Task<UpstreamAnswer> SendAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(endpoint.Options.TimeoutSeconds));
        var call = new UpstreamCall(metrics, model, endpoint.Address, body.Api, body.Streams);
        var (response, content, isStream) = (default(HttpResponseMessage), default(SentContent), false);
        try
        {
            using var request = Request(content = ContentOf());
            response = await http.SendAsync(request, timeout.Token).ConfigureAwait(false);
            var answer = !response.IsSuccessStatusCode ? await RefusedAsync(response, timeout.Token).ConfigureAwait(false)
                : body.Streams ? await BeginAsync(response, call, timeout.Token).ConfigureAwait(false)
                : await WholeAsync(response, timeout.Token).ConfigureAwait(false);
            isStream = answer.Events is not null;
            if (!isStream)
            {
                call.End(answer.Part.Usage, answer.Status == StatusCodes.Status200OK ? null : answer.Status.ToString(CultureInfo.InvariantCulture));
            }

            return answer;
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            call.End(default, UpstreamCall.Left);
            if (content?.IsSent == true)
            {
                throw new CallerLeftException(model, e);
            }

            throw;
        }
        catch (Exception e) when (AsFailure(e, content?.IsSent == true) is { } failure)
        {
            call.End(default, failure.Error.Code);
            throw failure;
        }
        finally
        {
            if (!isStream)
            {
                response?.Dispose();
                call.End(default, "internal_error"); // of what nobody expected; else it has ended
            }
        }
    }

    private SentContent ContentOf()
    {
        var upstream = endpoint.Options;
        var content = new SentContent(body.For(upstream.UpstreamModel.Length > 0 ? upstream.UpstreamModel : model.Value, upstream.AskUsage, upstream.MaxCompletionTokens));
        content.Headers.ContentType = Json;
        return content;
    }

    private HttpRequestMessage Request(SentContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, endpoint.UrlOf(body.Api)) { Content = content };
        foreach (var (name, value) in endpoint.HeadersOf(body.Api))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        foreach (var (name, value) in body.Headers.Where(h => !request.Headers.Contains(h.Key)))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    private async Task<UpstreamAnswer> WholeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        _hasBegun = true;
        var bytes = await BytesAsync(response, cancellationToken).ConfigureAwait(false);
        var part = body.Api.ReadWhole(bytes) ?? throw Failure("answered with something that is not a JSON object");
        if (part.IsError && !part.HasContent)
        {
            _hasBegun = false; // nobody pays for an error
            throw Failure("answered with an error, under status 200");
        }

        return new UpstreamAnswer(model, endpoint, body.Api, StatusCodes.Status200OK) { Headers = response.Headers, Body = bytes, Part = part };
    }

    private async Task<UpstreamAnswer> BeginAsync(HttpResponseMessage response, UpstreamCall call, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType is not "text/event-stream")
        {
            throw Failure($"was asked for a stream and answered with '{response.Content.Headers.ContentType?.MediaType ?? "no content type"}' instead of text/event-stream");
        }

        _isOpen = true;
        var events = new SseReader(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), limit);
        try
        {
            var first = await FirstAsync(events, cancellationToken).ConfigureAwait(false);
            call.Began();
            return new UpstreamAnswer(model, endpoint, body.Api, StatusCodes.Status200OK) { Headers = response.Headers, Events = events, First = first, Response = response, Call = call };
        }
        catch
        {
            events.Dispose();
            throw;
        }
    }

    /// <summary>The first event that says something: until it is here, another upstream can still take over. One that only opens the answer waits for what follows, which may be an error.</summary>
    private async Task<ReadOnlyMemory<byte>> FirstAsync(SseReader events, CancellationToken cancellationToken)
    {
        var opening = default(byte[]);
        while (true)
        {
            var first = await events.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (first.IsEmpty)
            {
                throw Failure("ended its stream before it began", wasAtWork: true);
            }

            var part = body.Api.Read(first.Span);
            if (part.IsError)
            {
                throw Failure("began its stream with an error");
            }

            if (part.IsOpening)
            {
                opening = first.ToArray();
            }
            else if (part.HasContent || part.IsDone || !part.Usage.IsUnknown)
            {
                if (opening is null)
                {
                    return first;
                }

                events.Unread(first.Length);
                return opening;
            }
        }
    }

    /// <summary>An upstream that works and does not want this request says so in its own words, which are the caller's to read.</summary>
    private async Task<UpstreamAnswer> RefusedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = response.StatusCode;
        if (status is HttpStatusCode.BadRequest or HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.RequestEntityTooLarge
            or HttpStatusCode.UnprocessableEntity or HttpStatusCode.TooManyRequests)
        {
            var bytes = await BytesAsync(response, cancellationToken).ConfigureAwait(false);
            if (body.Api.ReadWhole(bytes) is not null && (status != HttpStatusCode.Forbidden || Moderation.Refuses(bytes)))
            {
                return new UpstreamAnswer(model, endpoint, body.Api, (int)status)
                {
                    Body = bytes,
                    Headers = response.Headers,
                    Pause = status == HttpStatusCode.TooManyRequests ? RetryAfter(response) : null,
                    OwnRefusal = OwnRefusal.Meaning((int)status, bytes),
                };
            }
        }

        if (status == HttpStatusCode.RequestEntityTooLarge)
        {
            // A proxy before it says so, in a form of its own: the next request need not be as long.
            var error = new ErrorBody($"The upstream of the model '{model}' finds the request too large. Send less, or name another model.", ErrorCodes.InvalidRequest, null, "upstream_refused");
            return new UpstreamAnswer(model, endpoint, UpstreamApi.Chat, StatusCodes.Status413PayloadTooLarge)
            {
                Body = JsonSerializer.SerializeToUtf8Bytes(new ErrorAnswer(error), GatewayJson.Readable),
                Headers = response.Headers,
            };
        }

        throw Failure(
            $"answered with status {(int)status}{(status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? ", so its key or rights need the operator's attention" : "")}",
            RetryAfter(response));
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } when delta > TimeSpan.Zero => delta,
        { Date: { } date } when date > time.GetUtcNow() => date - time.GetUtcNow(),
        _ => null,
    };

    /// <returns>Without the byte order mark that some servers put in front.</returns>
    private async Task<byte[]> BytesAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var bytes = await AllBytesAsync(response, cancellationToken).ConfigureAwait(false);
        return bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;
    }

    private async Task<byte[]> AllBytesAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        if (response.Content.Headers.ContentLength is { } length && length <= limit)
        {
            var exact = new byte[length];
            await stream.ReadExactlyAsync(exact, cancellationToken).ConfigureAwait(false);
            return exact;
        }

        using var buffer = new MemoryStream();
        var part = new byte[16 * 1024];
        while (await stream.ReadUnpackedAsync(part, cancellationToken).ConfigureAwait(false) is > 0 and var read)
        {
            if (buffer.Length + read > limit)
            {
                throw Failure("sent a longer answer than Gateway:UpstreamBodyBytes allows");
            }

            buffer.Write(part, 0, read);
        }

        return buffer.ToArray();
    }

    /// <summary>What went wrong, as a failure of the upstream; null: it is none.</summary>
    /// <param name="isSent">The request had been sent whole.</param>
    private UpstreamException? AsFailure(Exception e, bool isSent) => e switch
    {
        UpstreamException failure => _hasBegun ? new(failure.Error, failure.Message) { HasBegun = true } : failure,
        OperationCanceledException => new(TooSlow(), "gave no answer in time") { HasBegun = _hasBegun, WasAtWork = isSent },
        InvalidDataException => Broken("sent what cannot be read", e),
        HttpRequestException or IOException => Broken(_hasBegun ? "broke off in the middle of its answer" : "cannot be reached or broke off", e),
        _ => null,
    };

    private ApiException TooSlow() => new(
        504, ErrorCodes.Upstream, "upstream_timeout",
        FormattableString.Invariant($"The upstream of the model '{model}' gave no answer within {endpoint.Options.TimeoutSeconds} s. Try again, ask for less, or name another model."));

    private UpstreamException Failure(string what, TimeSpan? retryAfter = null, bool wasAtWork = false) => new(Told(what), what) { RetryAfter = retryAfter, WasAtWork = wasAtWork };

    private UpstreamException Broken(string what, Exception cause) => new(Told(what), cause.Message) { HasBegun = _hasBegun, WasAtWork = _isOpen };

    private ApiException Told(string what) => new(502, ErrorCodes.Upstream, "upstream_failed", $"The upstream of the model '{model}' {what}. Try again, or name another model.");
}
