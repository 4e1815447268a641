using System.Collections.Immutable;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// What the population taught about a user nobody has met: a mixture of Gaussians over ln lambda, the share of each sharpness, and the lapse.
/// </summary>
public sealed record PopulationPrior
{
    /// <summary>One group of users.</summary>
    /// <param name="Weight">Its share, 0 to 1.</param>
    /// <param name="Mean">Of ln lambda.</param>
    /// <param name="Deviation">Standard deviation of ln lambda, above 0.</param>
    public readonly record struct Component(double Weight, double Mean, double Deviation);

    private readonly float[] _log = new float[ChoiceModel.Hypotheses];

    /// <param name="speech">How each kind of feedback speaks, by <see cref="FeedbackKind"/>; null: as guessed before anything was learned.</param>
    /// <param name="topics">How trade-offs differ by topic; null: as guessed before anything was learned.</param>
    /// <param name="latency">How users mind waiting; null: as guessed before anything was learned.</param>
    /// <exception cref="ArgumentException">Weights that are not a distribution, a deviation that is not positive, a lapse outside [0, 1), or a list of kinds
    /// that is not one of each, comparisons of strength 1 and this lapse first.</exception>
    public PopulationPrior(
        IReadOnlyList<Component> components,
        IReadOnlyList<double> betaWeights,
        double lapse,
        IReadOnlyList<SignalSpeech>? speech = null,
        TopicSpread? topics = null,
        LatencySpread? latency = null)
    {
        if (components.Count == 0 || !IsDistribution(components.Select(c => c.Weight)) || components.Any(c => !(c.Deviation > 0) || !double.IsFinite(c.Mean) || !double.IsFinite(c.Deviation)))
        {
            throw new ArgumentException($"A prior needs components with weights that sum to 1, finite means and deviations above 0; found {string.Join("; ", components)}.", nameof(components));
        }

        if (betaWeights.Count != ChoiceModel.BetaCount || !IsDistribution(betaWeights))
        {
            throw new ArgumentException($"A prior needs {ChoiceModel.BetaCount} sharpness weights that sum to 1; found {string.Join(", ", betaWeights)}.", nameof(betaWeights));
        }

        if (!(lapse is >= 0 and < 1))
        {
            throw new ArgumentException($"A lapse is a share from 0 to below 1; found {lapse}.", nameof(lapse));
        }

        Speech = speech is null ? SignalSpeech.Guessed(lapse) : [.. speech];
        if (Speech.Length != SignalSpeech.Kinds || Speech[0] != new SignalSpeech(1, lapse) || Speech.Any(s => !(s.Strength is >= 0 and < 100 && s.Lapse is >= 0 and < 1)))
        {
            throw new ArgumentException(
                $"A prior needs the strength (0 or more) and the lapse (0 to below 1) of {SignalSpeech.Kinds} kinds of feedback, "
                    + $"comparisons first with strength 1 and lapse {lapse}; found {string.Join("; ", Speech)}.",
                nameof(speech));
        }

        Topics = topics ?? TopicSpread.Guessed;
        if (!Topics.IsValid)
        {
            throw new ArgumentException(
                $"A prior needs a share of users whose topics differ from 0 to 1, and a width of their offsets from 0 to {TopicSpread.WidestWidth}; found {Topics}.",
                nameof(topics));
        }

        Latency = latency ?? LatencySpread.Guessed;
        if (!Latency.IsValid)
        {
            throw new ArgumentException(
                "A prior needs a share of users who mind waiting from 0 to 1, "
                    + $"and their middle price from {LatencySpread.LowestPrice} to {LatencySpread.HighestPrice} of quality a second; found {Latency}.",
                nameof(latency));
        }

        Waiting = LatencyBelief.Of(Latency);
        (Components, BetaWeights, Lapse) = ([.. components], [.. betaWeights], lapse);
        Span<double> density = stackalloc double[PreferenceGrid.Length];
        Density(density);
        for (var i = 0; i < _log.Length; i++)
        {
            _log[i] = (float)Math.Log((density[i / ChoiceModel.BetaCount] * betaWeights[i % ChoiceModel.BetaCount]) + 1e-12);
        }
    }

    /// <summary>Nothing known: close to log-uniform from 0.01 to 10, every sharpness alike, one answer in twenty without looking.</summary>
    public static PopulationPrior Default { get; } = new(
        [.. Enumerable.Range(0, 8).Select(i => new Component(1 / 8.0, Math.Log(0.01) + (Math.Log(1000) * (i + 0.5) / 8), 0.45))],
        [1 / 3.0, 1 / 3.0, 1 / 3.0],
        0.05);

    public IReadOnlyList<Component> Components { get; }

    /// <summary>Shares of <see cref="ChoiceModel.Betas"/>.</summary>
    public IReadOnlyList<double> BetaWeights { get; }

    /// <summary>Of a comparison.</summary>
    public double Lapse { get; }

    /// <summary>By <see cref="FeedbackKind"/>.</summary>
    public ImmutableArray<SignalSpeech> Speech { get; }

    /// <summary>Whether how kinds speak was learned from users.</summary>
    public bool HasLearnedSpeech => !Speech.AsSpan().SequenceEqual(SignalSpeech.Guessed(Lapse).AsSpan());

    public TopicSpread Topics { get; }

    /// <summary>Whether signals say the same under both, even if the populations differ.</summary>
    public bool IsHeardAs(PopulationPrior other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Topics == other.Topics && Latency == other.Latency && Speech.AsSpan().SequenceEqual(other.Speech.AsSpan());
    }

    /// <summary>The same prior with another spread of trade-offs by topic.</summary>
    public PopulationPrior With(TopicSpread topics) => new(Components, BetaWeights, Lapse, Speech, topics, Latency);

    public LatencySpread Latency { get; }

    /// <summary>What is believed of a user who said nothing of waiting.</summary>
    public LatencyBelief Waiting { get; }

    /// <summary>The same prior with another spread of how users mind waiting.</summary>
    public PopulationPrior With(LatencySpread latency) => new(Components, BetaWeights, Lapse, Speech, Topics, latency);

    /// <summary>A kind that this version does not know is silent.</summary>
    public SignalSpeech SpeechOf(FeedbackKind kind) => (int)kind < Speech.Length ? Speech[(int)kind] : default;

    /// <summary>ln of the prior of each lambda x beta hypothesis.</summary>
    public ReadOnlySpan<float> LogWeights => _log;

    /// <summary>The share of each grid position; sums to 1.</summary>
    public void Density(Span<double> density)
    {
        density.Clear();
        foreach (var c in Components)
        {
            AddDensity(c, density);
        }

        var sum = 0.0;
        foreach (var d in density)
        {
            sum += d;
        }

        foreach (ref var d in density)
        {
            d = sum > 0 ? d / sum : 1.0 / density.Length;
        }
    }

    internal static void AddDensity(in Component c, Span<double> density)
    {
        for (var i = 0; i < density.Length; i++)
        {
            var z = (PreferenceGrid.LogLambda[i] - c.Mean) / c.Deviation;
            density[i] += c.Weight / c.Deviation * Math.Exp(-0.5 * z * z);
        }
    }

    private static bool IsDistribution(IEnumerable<double> weights)
    {
        var sum = 0.0;
        foreach (var w in weights)
        {
            if (!(w >= 0))
            {
                return false;
            }

            sum += w;
        }

        return Math.Abs(sum - 1) < 1e-6;
    }
}
