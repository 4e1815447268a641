using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Traffic;

/// <summary>One request as a <see cref="TrafficTally"/> counts it.</summary>
public readonly ref struct TrafficCall
{
    /// <summary>Which models were predicted, by the caller's numbering (0 or more); empty: nothing was decided.</summary>
    public ReadOnlySpan<int> Models { get; init; }

    /// <summary>What was predicted of each.</summary>
    public ReadOnlySpan<Outcome> Outcomes { get; init; }

    /// <summary>The trade-off decided at, 0 or more.</summary>
    public double LambdaCost { get; init; }

    /// <summary>tau, US dollars, above 0.</summary>
    public double CostScaleUsd { get; init; }

    /// <summary>Who answered, by the caller's numbering; -1: nobody.</summary>
    public int Served { get; init; }

    /// <summary>Who was to answer, by the caller's numbering.</summary>
    public int Asked { get; init; }

    /// <summary>The second model of a comparison, by the caller's numbering; -1: none.</summary>
    public int Offered { get; init; }

    /// <summary>Who would have answered without routing, by the caller's numbering.</summary>
    public int Strongest { get; init; }

    /// <summary>US dollars as counted; NaN: the models were called elsewhere, and what was predicted counts.</summary>
    public double SpentUsd { get; init; }

    /// <summary>The part of it that the second answer took, US dollars as counted; null: its share of what was predicted.</summary>
    public double? SecondUsd { get; init; }

    /// <summary>NaN: not measured.</summary>
    public double LatencyMs { get; init; }

    public bool IsError { get; init; }

    public bool IsFailOver { get; init; }
}
