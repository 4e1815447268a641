using System.Collections.Concurrent;
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
internal sealed partial class Upstreams(HttpMessageInvoker http, GatewaySettings settings, ForwardedUsers users, TimeProvider time, GatewayMetrics metrics, ILogger<Upstreams> logger)
{
    public const string BrokeOff = "upstream_broke_off";

    private static readonly UpstreamOptions Simulated = new() { Model = UpstreamOptions.AnyModel, BaseUrl = "http://simulated.invalid/v1" };

    private readonly ILookup<string, UpstreamOptions> _of = (settings.IsSimulated ? [Simulated] : settings.Upstreams).ToLookup(u => u.Model);
    private readonly ConcurrentDictionary<ModelId, UpstreamEndpoint[]> _endpoints = new();
    private volatile bool _hasOpened;

    /// <summary>Whether anything serves the model.</summary>
    public bool Serves(ModelId model) => EndpointsOf(model).Length > 0;

    /// <summary>The models all of whose endpoints are being left alone; null: none. When that is every one of them, none: trying is better than refusing.</summary>
    /// <param name="evenAll">For people: every one of them is told as well, and a model until a call of it has succeeded again.</param>
    public IReadOnlySet<ModelId>? Unhealthy(ModelCatalog catalog, bool evenAll = false)
    {
        if (!_hasOpened)
        {
            return null;
        }

        var found = catalog.Models.Where(m => EndpointsOf(m.Id) is { Length: > 0 } all && Array.TrueForAll(all, e => evenAll ? !e.Circuit.IsClosed : e.Circuit.IsOpen)).Select(m => m.Id).ToHashSet();
        return found.Count == 0 || !evenAll && catalog.Models.All(m => !m.Enabled || found.Contains(m.Id)) ? null : found;
    }

    /// <summary>The best that can be said of the model's endpoints, for people: see <see cref="Circuit.State"/>.</summary>
    public string CircuitOf(ModelId model) => EndpointsOf(model).Select(e => e.Circuit.State).Order(StringComparer.Ordinal).FirstOrDefault("closed");

    /// <summary>Where the model is called, for people: hosts, without paths or keys. Null: nowhere.</summary>
    public string? HostsOf(ModelId model) => settings.IsSimulated ? "simulated"
        : string.Join(", ", EndpointsOf(model).Select(e => new Uri(e.Options.BaseUrl).Authority).Distinct()) is { Length: > 0 } hosts ? hosts
        : null;

    /// <summary>Every endpoint that has been left alone and has not answered since, for people; until null: one call may try it, or does.</summary>
    public IEnumerable<(ModelId Model, DateTimeOffset? Until)> Open() =>
        from e in _endpoints from one in e.Value where !one.Circuit.IsClosed let until = one.Circuit.Until select (e.Key, until > time.GetUtcNow() ? until : default(DateTimeOffset?));

    /// <summary>Sends the request to the models in turn until one answers.</summary>
    /// <param name="models">In order of preference, 1 or more. Those after the first are for when it fails, and are not asked for before.</param>
    /// <param name="inVain">Told of every model that was given the prompt and brought no whole answer, where it may have been at work on it: it bills that.</param>
    /// <exception cref="CallerLeftException">The request had been sent.</exception>
    /// <exception cref="ApiException">502: the upstream cannot be reached, fails, or does not answer in the form it should; 503: it is being left alone; 504: it takes too long.</exception>
    public async Task<UpstreamAnswer> SendAsync(UpstreamRequest request, IAsyncEnumerable<ModelId> models, Action<ModelId> inVain, CancellationToken cancellationToken)
    {
        var tried = new List<ModelId>(); // one an attempt
        var (refused, failed, resting) = (default(UpstreamAnswer), default(ApiException), default((ModelId, DateTimeOffset)?));
        await foreach (var (model, endpoint, body) in EndpointsAsync(request, models).ConfigureAwait(false))
        {
            if (endpoint is null)
            {
                failed ??= new ApiException(502, ErrorCodes.Upstream, "no_upstream", $"No upstream is configured for the model '{model}'. Add one to section {UpstreamOptions.Section}.");
                continue;
            }

            if (!endpoint.Circuit.TryEnter(out var probe))
            {
                resting ??= (model, endpoint.Circuit.Until);
                continue;
            }

            tried.Add(model);
            try
            {
                var answer = await TryAsync(endpoint, probe, model, body with { Users = users.For(endpoint.Options, request.Tenant) }, cancellationToken).ConfigureAwait(false);
                if (answer.OwnRefusal is null)
                {
                    answer.Attempts = tried.Count;
                    return answer;
                }

                refused ??= answer;
            }
            catch (UpstreamException e)
            {
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

            if (tried.Count == settings.Gateway.MostAttempts)
            {
                break; // before the next model is asked for
            }
        }

        if (refused is not null)
        {
            return refused with { Attempts = tried.Count };
        }

        throw failed is not null ? AllFailed(failed, [.. tried.Distinct()]) : Resting(resting ?? throw new InvalidOperationException("No model was named."));
    }

    /// <summary>The models that can answer a request, of those that may.</summary>
    /// <param name="allowed">Null: all may.</param>
    /// <param name="named">The one that is asked for; null: any will do.</param>
    /// <returns>Null: all can, and may.</returns>
    /// <exception cref="ApiException">None can: the request's refusal.</exception>
    public IReadOnlySet<ModelId>? Able(UpstreamRequest request, ModelCatalog catalog, IReadOnlySet<ModelId>? allowed, ModelProfile? named)
    {
        if (request.Refusal is not { } refusal)
        {
            return allowed;
        }

        var able = catalog.Models.Where(m => (m.Enabled || m.Id == named?.Id) && Array.Exists(EndpointsOf(m.Id), e => request.For(e.Options) is not null)).Select(m => m.Id).ToHashSet();
        var isAble = named is null ? able.Any(m => allowed?.Contains(m) != false) : able.Contains(named.Id);
        able.RemoveWhere(m => allowed?.Contains(m) == false);
        return isAble ? able : throw refusal;
    }

    /// <summary>The endpoints of each model in turn that can answer the request, with the form of it that each takes; null of a model that has none.</summary>
    private async IAsyncEnumerable<(ModelId Model, UpstreamEndpoint? Endpoint, UpstreamBody Body)> EndpointsAsync(UpstreamRequest request, IAsyncEnumerable<ModelId> models)
    {
        await foreach (var model in models.ConfigureAwait(false))
        {
            var hasAny = false;
            foreach (var endpoint in EndpointsOf(model))
            {
                if (request.For(endpoint.Options) is { } body)
                {
                    hasAny = true;
                    yield return (model, endpoint, body);
                }
            }

            if (!hasAny)
            {
                yield return (model, null, default);
            }
        }
    }

    /// <summary>The first failure, and whom else it was in vain to ask: an outage of all looks otherwise like one of a single model.</summary>
    private static ApiException AllFailed(ApiException first, ModelId[] tried) => tried.Length <= 1 ? first
        : new(first.Status, first.Type, first.Code, $"{first.Message} Tried, and failed: {string.Join(", ", tried.Select(m => $"'{m}'"))}.", first.Param) { RetryAfter = first.RetryAfter };

    private ApiException Resting((ModelId Model, DateTimeOffset Until) upstream)
    {
        var when = upstream.Until > time.GetUtcNow()
            ? FormattableString.Invariant($"is left alone until {upstream.Until.UtcDateTime:HH:mm:ss} UTC. Try again then")
            : "another call is trying it. Try again in a moment";
        return new(
            503, ErrorCodes.Upstream, "upstream_resting",
            $"The upstream of the model '{upstream.Model}' failed again and again and {when}, or name another model.")
        {
            RetryAfter = Math.Max(1, (int)Math.Ceiling((upstream.Until - time.GetUtcNow()).TotalSeconds)),
        };
    }

    /// <summary>A stream has come to its end.</summary>
    public static void Ended(UpstreamAnswer answer) => answer.Endpoint.Circuit.Succeed();

    /// <summary>An upstream's mid-answer failure counts against it as well.</summary>
    public void Failed(UpstreamAnswer answer, string reason)
    {
        metrics.UpstreamFailures.Add(1, new(LabelNames.Model, answer.Model.Value), new(LabelNames.Reason, BrokeOff));
        LogFailed(answer.Model.Value, answer.Endpoint.Options.Address, reason);
        Fail(answer.Endpoint, 0, answer.Model);
    }

    /// <summary>One attempt, and what it says of the endpoint: to its circuit, the log and the meters.</summary>
    private async Task<UpstreamAnswer> TryAsync(UpstreamEndpoint endpoint, int probe, ModelId model, UpstreamBody body, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await new UpstreamAttempt(http, metrics, time, endpoint, model, body, settings.Gateway.UpstreamBodyBytes).SendAsync(cancellationToken).ConfigureAwait(false);
            if (answer.Events is not null)
            {
                endpoint.Circuit.Begin();
            }
            else if (answer.Pause is { } pause)
            {
                Fail(endpoint, probe, model, pause);
            }
            else
            {
                endpoint.Circuit.Succeed(); // also where it refused: it works, and does not want this request
            }

            if (answer.OwnRefusal is { } meaning && endpoint.Refusals.IsDue())
            {
                LogRefused(model.Value, endpoint.Options.Address, answer.Status, meaning);
            }

            return answer;
        }
        catch (UpstreamException e)
        {
            Fail(endpoint, probe, model, e.RetryAfter);
            LogFailed(model.Value, endpoint.Options.Address, e.Message);
            metrics.UpstreamFailures.Add(1, new(LabelNames.Model, model.Value), new(LabelNames.Reason, e.Error.Code));
            throw;
        }
        catch
        {
            endpoint.Circuit.Leave(probe); // else a circuit that this call was to try would wait for its answer for ever
            throw;
        }
    }

    private UpstreamEndpoint[] EndpointsOf(ModelId model) => _endpoints.GetOrAdd(model, static (id, me) => me.Meet(id), this);

    private UpstreamEndpoint[] Meet(ModelId model)
    {
        var own = _of[model.Value];
        return [.. (own.Any() ? own : _of[UpstreamOptions.AnyModel]).Select(u => new UpstreamEndpoint(
            u,
            new Circuit(time, settings.Gateway.CircuitFailures, TimeSpan.FromSeconds(settings.Gateway.CircuitSeconds)), new OnceEvery(TimeSpan.FromMinutes(1), time)))];
    }

    private void Fail(UpstreamEndpoint endpoint, int probe, ModelId model, TimeSpan? atLeast = null)
    {
        if (endpoint.Circuit.Fail(probe, atLeast))
        {
            _hasOpened = true;
            metrics.CircuitsOpened.Add(1, new KeyValuePair<string, object?>(LabelNames.Model, model.Value));
            LogOpened(model.Value, endpoint.Options.Address, endpoint.Circuit.Until);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upstream of {Model} at {Url} failed: {Reason}")]
    private partial void LogFailed(string model, string url, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The upstream of {Model} at {Url} refuses requests with status {Status}: {Meaning}. Where there is another, it is asked each time. Not told again within a minute.")]
    private partial void LogRefused(string model, string url, int status, string meaning);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upstream of {Model} at {Url} is left alone until {Until:O}.")]
    private partial void LogOpened(string model, string url, DateTimeOffset until);
}
