using MetaRouter.Core.Catalog;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Demo;

/// <summary>
/// Users with hidden preferences who ask, look at what comes, and say what they think of it. They are simulated, and so are the answers, or real ones from an outcome
/// folder; routing, learning and everything that the console shows are the gateway's own.
/// </summary>
internal sealed partial class DemoTraffic(
    IEdgeRouter router, ConsoleRecorder recorder, ConsoleNames names, DecisionLog log, PoolHolder pool, RouterSecrets secrets,
    ModeKeeper mode, GatewaySettings settings, DemoOptions options, ILogger<DemoTraffic> logger) : BackgroundService
{
    /// <summary>
    /// A user compares two answers to half of the first so many requests, then to one in fifty. Five comparisons tell most of what can be known of a trade-off; each costs a second answer,
    /// often a dear one, and asking for more would use up what was saved.
    /// </summary>
    private const int Acquainting = 10;

    private const double CompareEarly = 0.5, CompareLater = 0.02, Thumbs = 0.2, RegenerateAfterDown = 0.5, CostSpread = 0.3, LatencySpread = 0.4;

    private readonly Random _random = new(options.Seed);
    private IReadOnlyList<DemoRequest>? _rows;
    private DemoUser[] _users = [];

    /// <summary>The tenant of the traffic: that of the first configured key, so that somebody can see it.</summary>
    private string Tenant => settings.ApiKeys.Count > 0 ? settings.ApiKeys[0].Tenant : Caller.OpenTenant;

    /// <summary>The users, once started.</summary>
    public IReadOnlyList<DemoUser> Users => _users;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield(); // the host need not wait for the first request
        try
        {
            Gather();
            await Periodically.DoAsync(TimeSpan.FromSeconds(1 / options.RequestsPerSecond), AskAsync, stoppingToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever is wrong with the simulation, the gateway serves on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogStopped(e.Message);
        }
    }

    /// <summary>Called before anything starts, so that data without a usable row stops the start.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="GatewayConfigurationException">No row can be used.</exception>
    public void ReadData()
    {
        try
        {
            _rows = options.Data.Length == 0 ? null : OutcomeFolder.Read(options.Data, pool.Current.Catalog);
        }
        catch (InvalidDataException e)
        {
            throw new GatewayConfigurationException([e.Message.TrimEnd('.')]);
        }
    }

    /// <summary>The users arrive. No clock runs, so that a test can play minutes in seconds by calling <see cref="AskAsync"/> as often as it wants.</summary>
    public void Gather()
    {
        _users = DemoUser.Make(options.Users, _random);
        foreach (var user in _users)
        {
            names.Show(secrets.HashOf(Tenant, user.Id), user.Id);
        }
    }

    /// <summary>One of the users asks something and, perhaps, says what it was worth.</summary>
    public async Task AskAsync(CancellationToken cancellationToken)
    {
        var user = _users[_random.Next(_users.Length)];
        var asked = _rows is null ? MadeUpRequests.Next(_random) : _rows[_random.Next(_rows.Count)];
        var compares = _random.NextDouble() < (user.Requests++ < Acquainting ? CompareEarly : CompareLater);
        var decision = await router.DecideAsync(Tenant, user.Id, new RouteRequest(asked.Text) { MayCompare = compares && mode.Mode == ModeKeeper.Apply }, cancellationToken).ConfigureAwait(false);
        var scale = pool.Current.CostScaleUsd;
        var answers = decision.Candidates.Select(c => asked.Outcomes?.GetValueOrDefault(c.Model) ?? MakeUp(c.Predicted)).ToArray();
        if (mode.Mode != ModeKeeper.Apply)
        {
            AnswerUnrouted(user, decision, answers);
            return;
        }

        var (chosen, offered) = (decision.ChosenIndex, decision.OfferedIndex);
        var served = new ServedCall("apply", decision.Model, false)
        {
            CostUsd = answers[chosen].CostUsd + (offered is { } second ? answers[second].CostUsd : 0),
            CostSource = "simulated",
            LatencySeconds = Math.Max(Latency(answers[chosen], decision.Model), offered is { } other ? Latency(answers[other], decision.Candidates[other].Model) : 0),
        };
        log.Offer(decision, served);
        recorder.Called(Tenant, decision, served, StatusCodes.Status200OK, offered is { } shown ? answers[shown].CostUsd : null);
        await JudgeAsync(user, decision, answers, scale, cancellationToken).ConfigureAwait(false);
    }

    private async Task JudgeAsync(DemoUser user, RouteDecision decision, Outcome[] answers, double scale, CancellationToken cancellationToken)
    {
        var chosen = answers[decision.ChosenIndex];
        if (decision.OfferedIndex is { } offered)
        {
            var prefers = _random.NextDouble() < user.Preference.PrefersFirst(chosen, answers[offered], scale);
            await SendFeedbackAsync(user, new Feedback(decision.Token, FeedbackKind.Comparison, prefers ? (byte)1 : (byte)0), cancellationToken).ConfigureAwait(false);
        }
        else if (_random.NextDouble() < Thumbs)
        {
            var pleased = _random.NextDouble() < user.Preference.IsPleasedBy(chosen, answers, scale);
            await SendFeedbackAsync(user, new Feedback(decision.Token, FeedbackKind.Thumb, pleased ? (byte)1 : (byte)0), cancellationToken).ConfigureAwait(false);
            if (!pleased && _random.NextDouble() < RegenerateAfterDown)
            {
                await SendFeedbackAsync(user, new Feedback(decision.Token, FeedbackKind.Regenerate, 0), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task SendFeedbackAsync(DemoUser user, Feedback feedback, CancellationToken cancellationToken) =>
        recorder.FeedbackGiven(Tenant, user.Id, feedback, await router.LearnAsync(Tenant, user.Id, feedback, cancellationToken).ConfigureAwait(false));

    /// <summary>Somebody set another mode at the console: the static model answers here too.</summary>
    private void AnswerUnrouted(DemoUser user, RouteDecision decision, Outcome[] answers)
    {
        var model = settings.Strongest(pool.Current.Catalog).Id;
        var at = decision.Candidates.Select((c, i) => (c.Model, i)).First(c => c.Model == model).i;
        var served = new ServedCall("observe", model, false) { CostUsd = answers[at].CostUsd, CostSource = "simulated", LatencySeconds = Latency(answers[at], model) };
        if (mode.Mode == ModeKeeper.Observe)
        {
            log.Offer(decision, served);
            recorder.Called(Tenant, decision, served, StatusCodes.Status200OK, secondUsd: null);
        }
        else
        {
            recorder.Unrouted(Tenant, user.Id, model, isAuto: true, served, StatusCodes.Status200OK);
        }
    }

    /// <summary>Right as often as predicted, at about the cost predicted.</summary>
    private Outcome MakeUp(in Outcome predicted) => predicted with
    {
        Quality = _random.NextDouble() < predicted.Quality ? 1 : 0,
        CostUsd = (float)(predicted.CostUsd * Noise(CostSpread)),
    };

    /// <summary>Seconds; simulated with any data, since few outcome files have latencies.</summary>
    private double Latency(in Outcome answer, ModelId model)
    {
        // A tenth of the latency is transport; dear models write more slowly.
        var catalog = pool.Current.Catalog;
        var price = catalog.TryFind(model, out var at) ? catalog.Models[at].OutputPrice.Usd : 1;
        return answer.LatencySeconds > 0 ? answer.LatencySeconds : (0.2 + (0.5 * Math.Sqrt(price))) * Noise(LatencySpread);
    }

    /// <summary>Log-normal with mean 1.</summary>
    private double Noise(double spread) => Math.Exp((spread * Gaussian.Draw(_random)) - (spread * spread / 2));

    [LoggerMessage(Level = LogLevel.Error, Message = "The demo's users have stopped; the gateway serves on. {Reason}")]
    private partial void LogStopped(string reason);
}
