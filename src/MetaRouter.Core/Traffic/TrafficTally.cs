using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Traffic;

/// <summary>
/// Sums over requests: what they cost, what any single model would have cost on them, and what quality was expected. Tallies of two spans of time add up.
/// </summary>
/// <remarks>
/// What another model would have cost is its prediction times <see cref="CostCorrection"/>. Qualities are predictions. A request that named its model, or was not
/// routed, costs the same whatever routes. Adding is O(models). Not thread-safe.
/// </remarks>
public sealed class TrafficTally
{
    private const double Z95 = 1.959963984540054;

    private double _quality, _qualitySquares, _unroutedUsd, _decidedUsd, _strongestUsd, _strongestSquares;
    private ModelTally?[] _models = [];

    public long Requests { get; private set; }

    public long Errors { get; private set; }

    /// <summary>Answered by another than the chosen model, because that one failed.</summary>
    public long FailOvers { get; private set; }

    /// <summary>Requests with a decision and, as far as is known, an answer: those that qualities and savings are computed from.</summary>
    public long Decided { get; private set; }

    /// <summary>US dollars, those predicted included.</summary>
    public double SpentUsd { get; private set; }

    /// <summary>The part of <see cref="SpentUsd"/> that is predicted, since the models were called elsewhere.</summary>
    public double PredictedUsd { get; private set; }

    /// <summary>US dollars, had the strongest model of its time answered every request.</summary>
    public double StrongestUsd { get; private set; }

    /// <summary>The part of <see cref="SpentUsd"/> that second answers took, shown so that the choice between two teaches.</summary>
    public double ComparisonsUsd { get; private set; }

    public LatencyHistogram Latency { get; } = new();

    /// <summary>Mean predicted quality of what was served; null: nothing was.</summary>
    public double? Quality => Decided > 0 ? _quality / Decided : null;

    public void Add(in TrafficCall call)
    {
        Requests++;
        Errors += call.IsError ? 1 : 0;
        FailOvers += call.IsFailOver && call.Served >= 0 ? 1 : 0;
        Latency.Add(call.LatencyMs);
        if (call.IsError || call.IsFailOver)
        {
            Of(call.Asked).Errors++;
        }

        if (call.Served < 0)
        {
            return;
        }

        var served = Of(call.Served);
        served.Requests++;
        served.Latency.Add(call.LatencyMs);
        var (at, offered) = (call.Models.IndexOf(call.Served), call.Models.IndexOf(call.Offered));
        if (at < 0)
        {
            // Asked for by name: with or without routing it costs this.
            var usd = double.IsNaN(call.SpentUsd) ? 0 : call.SpentUsd;
            (SpentUsd, StrongestUsd, _unroutedUsd, served.SpentUsd) = (SpentUsd + usd, StrongestUsd + usd, _unroutedUsd + usd, served.SpentUsd + usd);
            return;
        }

        var predicted = call.Outcomes[at].CostUsd + (offered < 0 ? 0 : call.Outcomes[offered].CostUsd);
        var spent = double.IsNaN(call.SpentUsd) ? predicted : call.SpentUsd;
        var factor = CostCorrection.Factor(spent, predicted);
        double quality = call.Outcomes[at].Quality;
        Decided++;
        (_quality, _qualitySquares, served.Quality) = (_quality + quality, _qualitySquares + (quality * quality), served.Quality + quality);
        served.Decided++;
        var second = offered < 0 ? 0 : call.SecondUsd ?? (predicted > 0 ? spent * call.Outcomes[offered].CostUsd / predicted : 0);
        (SpentUsd, ComparisonsUsd, served.SpentUsd) = (SpentUsd + spent, ComparisonsUsd + second, served.SpentUsd + spent - second);
        if (offered >= 0)
        {
            Of(call.Offered).SpentUsd += second;
        }

        PredictedUsd += double.IsNaN(call.SpentUsd) ? spent : 0;
        var strongest = call.Models.IndexOf(call.Strongest);
        var dear = strongest < 0 ? spent : call.Outcomes[strongest].CostUsd * factor;
        StrongestUsd += dear;
        (_decidedUsd, _strongestUsd, _strongestSquares) = (_decidedUsd + spent, _strongestUsd + dear, _strongestSquares + ((dear - spent) * (dear - spent)));
        for (var k = 0; k < call.Models.Length; k++)
        {
            var model = Of(call.Models[k]);
            model.Seen++;
            var alone = call.Outcomes[k].CostUsd * factor;
            model.AloneUsd += alone;
            model.SavedSquares += (alone - spent) * (alone - spent);
            model.AloneQuality += call.Outcomes[k].Quality;
            model.AloneUtility += Utility.Of(call.Outcomes[k], new Preference(call.LambdaCost), call.CostScaleUsd);
        }
    }

    public void Add(TrafficTally other)
    {
        ArgumentNullException.ThrowIfNull(other);
        (Requests, Errors, FailOvers, Decided) = (Requests + other.Requests, Errors + other.Errors, FailOvers + other.FailOvers, Decided + other.Decided);
        (SpentUsd, PredictedUsd, StrongestUsd, _unroutedUsd) = (SpentUsd + other.SpentUsd, PredictedUsd + other.PredictedUsd, StrongestUsd + other.StrongestUsd, _unroutedUsd + other._unroutedUsd);
        (_quality, _qualitySquares) = (_quality + other._quality, _qualitySquares + other._qualitySquares);
        ComparisonsUsd += other.ComparisonsUsd;
        (_decidedUsd, _strongestUsd, _strongestSquares) = (_decidedUsd + other._decidedUsd, _strongestUsd + other._strongestUsd, _strongestSquares + other._strongestSquares);
        Latency.Add(other.Latency);
        for (var k = 0; k < other._models.Length; k++)
        {
            if (other._models[k] is { } model)
            {
                Of(k).Add(model);
            }
        }
    }

    /// <summary>
    /// The mean predicted quality with its 95 % interval over requests: mean +- 1.96 s / sqrt(n), within 0 and 1; after one request it is 0 to 1. It says how
    /// much the traffic varies, not how right the predictor is.
    /// </summary>
    public (double Value, double Low, double High)? QualityInterval()
    {
        if (Quality is not { } mean)
        {
            return null;
        }

        var variance = Decided > 1 ? Math.Max(0, (_qualitySquares - (Decided * mean * mean)) / (Decided - 1)) : double.PositiveInfinity;
        var half = Z95 * Math.Sqrt(variance / Decided);
        return (mean, Math.Max(0, mean - half), Math.Min(1, mean + half));
    }

    /// <summary>What was saved against the strongest model, US dollars, with its 95 % interval over requests. Null: fewer than two were decided, and how much they vary is not known.</summary>
    public (double Low, double High)? SavedAgainstStrongest() => Interval(_strongestUsd - _decidedUsd, _strongestSquares);

    /// <summary>What was saved against one model alone, likewise. Null: fewer than two were decided, or it was no candidate throughout.</summary>
    public (double Low, double High)? SavedAgainst(int model) =>
        model < _models.Length && _models[model] is { } alone && alone.Seen == Decided ? Interval(alone.AloneUsd - _decidedUsd, alone.SavedSquares) : null;

    /// <summary>Of a sum over the requests decided: sum +- 1.96 s sqrt(n).</summary>
    private (double Low, double High)? Interval(double sum, double squares)
    {
        if (Decided < 2)
        {
            return null;
        }

        var half = Z95 * Math.Sqrt(Math.Max(0, (squares - (sum * sum / Decided)) / (Decided - 1)) * Decided);
        return (sum - half, sum + half);
    }

    /// <summary>
    /// The one model that would have been worth most on all of these requests, each at the trade-off it was decided at, and what it would have cost. Null: none
    /// was a candidate throughout.
    /// </summary>
    /// <param name="may">Which may answer at all, by the caller's numbering: predictions include models that guardrails keep from every request.</param>
    public (int Model, double Usd)? BestSingle(Predicate<int> may)
    {
        ArgumentNullException.ThrowIfNull(may);
        var best = -1;
        for (var k = 0; k < _models.Length; k++)
        {
            best = _models[k] is { Seen: > 0 } model && model.Seen == Decided && may(k) && (best < 0 || model.AloneUtility > _models[best]!.AloneUtility) ? k : best;
        }

        return best < 0 ? null : (best, _models[best]!.AloneUsd + _unroutedUsd);
    }

    /// <summary>What each model did and would have done; by the caller's numbering.</summary>
    public IEnumerable<ModelShare> Models()
    {
        for (var k = 0; k < _models.Length; k++)
        {
            if (_models[k] is { } model)
            {
                yield return new(
                    k, model.Requests, model.Errors, model.SpentUsd,
                    model.Decided > 0 ? model.Quality / model.Decided : null,
                    model.Latency.Quantile(0.5),
                    model.Seen > 0 ? model.AloneQuality / model.Seen : null,
                    model.Seen > 0 ? model.AloneUsd / model.Seen : null);
            }
        }
    }

    private ModelTally Of(int model)
    {
        if (model >= _models.Length)
        {
            Array.Resize(ref _models, Math.Max(model + 1, _models.Length * 2));
        }

        return _models[model] ??= new ModelTally();
    }

    private sealed class ModelTally
    {
        public long Requests, Errors, Decided, Seen;
        public double SpentUsd, Quality, AloneUsd, AloneQuality, AloneUtility, SavedSquares;
        private LatencyHistogram? _latency;

        public LatencyHistogram Latency => _latency ??= new();

        public void Add(ModelTally other)
        {
            (Requests, Errors, Decided, Seen) = (Requests + other.Requests, Errors + other.Errors, Decided + other.Decided, Seen + other.Seen);
            (SpentUsd, Quality, AloneUsd, AloneQuality, AloneUtility) = (
                SpentUsd + other.SpentUsd, Quality + other.Quality, AloneUsd + other.AloneUsd,
                AloneQuality + other.AloneQuality, AloneUtility + other.AloneUtility);
            SavedSquares += other.SavedSquares;
            if (other._latency is { Count: > 0 } latency)
            {
                Latency.Add(latency);
            }
        }
    }
}

/// <summary>One model's part in a <see cref="TrafficTally"/>.</summary>
/// <param name="Requests">It answered.</param>
/// <param name="Errors">It was to answer, and another did or nobody.</param>
/// <param name="SpentUsd">US dollars, for second answers too.</param>
/// <param name="Quality">Mean predicted quality where it answered; null: nowhere.</param>
/// <param name="P50Ms">Median latency; null: not measured.</param>
/// <param name="AloneQuality">Mean predicted quality, had it answered every request.</param>
/// <param name="AloneUsd">Mean cost, likewise.</param>
public readonly record struct ModelShare(int Model, long Requests, long Errors, double SpentUsd, double? Quality, double? P50Ms, double? AloneQuality, double? AloneUsd);
