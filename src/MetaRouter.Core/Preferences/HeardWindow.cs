using System.Numerics.Tensors;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>A user's window as a prior hears it: how much each signal weighs, worked out once whatever is then asked of it. In memory that the caller lends.</summary>
/// <remarks>
/// Evidence fades by its rank in time among the signals that are heard, <c>w_i = fade^rank</c>, never by the time of its arrival, so that equal windows give equal beliefs and what was
/// taken back, or spoke of quality alone, leaves no trace.
/// What a user did with answers, rather than said of them, weighs in full where the window has praise (accepts) and complaints (regenerates, edits, abandoned answers) of this sort; where it
/// has only one of them, all of it together weighs as one such signal. It comes of what a host notices, and most notice one side alone: that no answer is ever praised then says something
/// of the host, and nothing of the user. Taken in full, each complaint would say that what was served is below the middle, whatever was served, and users of every trade-off would be drawn
/// away from it; and each praise towards it.
/// </remarks>
internal readonly ref struct HeardWindow
{
    private readonly ReadOnlySpan<float> _weight; // 0: not heard

    /// <param name="signals">Ascending in time.</param>
    /// <param name="weight">As long as the signals; written to.</param>
    public HeardWindow(PopulationPrior prior, ReadOnlySpan<Signal> signals, Span<float> weight)
    {
        var (faded, praise, complaints) = (1f, 0, 0);
        for (var i = signals.Length - 1; i >= 0; i--)
        {
            weight[i] = 0;
            if (SignalReading.IsHeard(prior, signals, i))
            {
                (weight[i], faded) = (faded, faded * WindowLikelihood.Fade);
                Count++;
                SpeaksOfTopics |= !prior.Topics.IsNone && signals[i].Topic != 0;
                SpeaksOfWaiting |= !prior.Latency.IsNone && signals[i].First.SecondsBeyond(signals[i].Second) != 0;
                if (signals[i].Key.Kind.IsImplicit())
                {
                    (praise, complaints) = signals[i].Value > 0 ? (praise + 1, complaints) : (praise, complaints + 1);
                }
            }
        }

        var isOneSided = praise == 0 || complaints == 0;
        for (var i = 0; i < signals.Length && isOneSided; i++)
        {
            weight[i] *= signals[i].Key.Kind.IsImplicit() ? 1f / Math.Max(praise + complaints, 1) : 1;
        }

        Prior = prior;
        Signals = signals;
        _weight = weight;
    }

    public PopulationPrior Prior { get; }

    /// <summary>All of the window, ascending in time.</summary>
    public ReadOnlySpan<Signal> Signals { get; }

    /// <summary>How many signals are heard.</summary>
    public int Count { get; }

    /// <summary>Whether one that is heard tells its topic, where trade-offs may differ by topic.</summary>
    public bool SpeaksOfTopics { get; }

    /// <summary>Whether one that is heard set a faster answer against a slower one, where users may mind.</summary>
    public bool SpeaksOfWaiting { get; }

    public bool Hears(int at) => _weight[at] > 0;

    /// <summary>Adds <c>sum_i w_i ln P(signal_i | h)</c> to each hypothesis: of a user who trades alike on every topic, at the context's price of a second.</summary>
    /// <param name="log"><see cref="ChoiceModel.Hypotheses"/> long.</param>
    public void Add(in ChoiceContext context, Span<float> log)
    {
        for (var i = Signals.Length - 1; i >= 0; i--)
        {
            if (Hears(i))
            {
                Add(i, Prior.SpeechOf(Signals[i].Key.Kind), context, log);
            }
        }
    }

    /// <summary>Adds one signal's term.</summary>
    /// <param name="at">Of a signal that is heard.</param>
    /// <param name="speech">How its kind speaks.</param>
    public void Add(int at, SignalSpeech speech, in ChoiceContext context, Span<float> log)
    {
        Span<float> p = stackalloc float[ChoiceModel.Hypotheses];
        SignalReading.LogLikelihood(Signals[at], speech, context, p);
        TensorPrimitives.MultiplyAdd(p, _weight[at], log, log);
    }
}
