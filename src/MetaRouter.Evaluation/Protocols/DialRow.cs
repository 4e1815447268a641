using System.Text.Json.Serialization;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>A row of a pool's table. Dictionaries are by lambda, as written in the protocol.</summary>
/// <param name="Gain">Mean utility q - lambda c / tau over that of the best single model.</param>
/// <param name="GainMean">Mean of the gains at lambda 0 to 1.</param>
/// <param name="Hv">Hypervolume of the dial's front.</param>
/// <param name="Igd">Inverted generational distance to the oracle's front.</param>
/// <param name="Cost">Mean cost over tau.</param>
/// <param name="Quality">Mean score.</param>
/// <param name="Lead">Null for the first row.</param>
/// <param name="CalibrationError">Mean distance of expected scores from real ones, over ten bins; null where a router expects none.</param>
public sealed record DialRow(
    string Router,
    IReadOnlyDictionary<string, double> Gain,
    IReadOnlyDictionary<string, Interval> GainCi,
    double GainMean,
    Interval GainMeanCi,
    double Hv,
    Interval HvCi,
    double Igd,
    Interval IgdCi,
    double Aiq,
    Interval AiqCi,
    IReadOnlyDictionary<string, double> Cost,
    IReadOnlyDictionary<string, double> Quality,
    DialLead? Lead = null,
    double? CalibrationError = null)
{
    /// <summary>Mean cost and quality at each position of the dial, averaged over the splits: the router's front, for pictures.</summary>
    [JsonIgnore]
    public IReadOnlyList<CostQuality> Dial { get; init; } = [];

    /// <summary>Expected scores against real ones; null where a router expects none.</summary>
    [JsonIgnore]
    public Reliability? Reliability { get; init; }
}

/// <summary>By how much the first row of the table is ahead of this one, on the same rows and splits in every replicate; above 0: ahead.</summary>
/// <param name="GainMean">Its mean gain less this one's.</param>
/// <param name="Hv">Its hypervolume less this one's.</param>
/// <param name="Igd">This one's distance to the oracle's front less its own.</param>
public sealed record DialLead(double GainMean, Interval GainMeanCi, double Hv, Interval HvCi, double Igd, Interval IgdCi);
