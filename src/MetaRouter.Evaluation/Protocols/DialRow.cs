using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>A row of a pool's table. Dictionaries are by lambda, as written in the protocol.</summary>
/// <param name="Gain">Mean utility q - lambda c / tau over that of the best single model.</param>
/// <param name="GainMean">Mean of the gains at lambda 0 to 1.</param>
/// <param name="Hv">Hypervolume of the dial's front.</param>
/// <param name="Igd">Inverted generational distance to the oracle's front.</param>
/// <param name="Cost">Mean cost over tau.</param>
/// <param name="Quality">Mean score.</param>
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
    IReadOnlyDictionary<string, double> Quality);
