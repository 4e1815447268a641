using System.Text;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Routing;

/// <summary>Which model answers, with what probability, and the token that brings feedback back to it.</summary>
public sealed class RouteDecision
{
    private readonly ReceiptSealer? _sealer;
    private string? _token;

    internal RouteDecision(RankedModel[] candidates, int chosen, int? offered, DecisionReason reason, in Preference preference, double costScaleUsd, in Receipt receipt, ReceiptSealer? sealer)
    {
        Candidates = candidates;
        ChosenIndex = chosen;
        OfferedIndex = offered;
        Reason = reason;
        Preference = preference;
        CostScaleUsd = costScaleUsd;
        Receipt = receipt;
        _sealer = sealer;
    }

    /// <summary>A decision as it was taken elsewhere.</summary>
    /// <param name="token">The receipt, sealed by who decided.</param>
    /// <exception cref="ArgumentOutOfRangeException">A choice that is not among the candidates.</exception>
    public static RouteDecision Restore(
        IReadOnlyList<RankedModel> candidates,
        int chosen,
        int? offered,
        DecisionReason reason,
        in Preference preference,
        double costScaleUsd,
        in Receipt receipt,
        string token)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)chosen, (uint)candidates.Count, nameof(chosen));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)(offered ?? 0), (uint)candidates.Count, nameof(offered));
        return new RouteDecision([.. candidates], chosen, offered, reason, preference, costScaleUsd, receipt, sealer: null) { _token = token };
    }

    public ModelId Model => Candidates[ChosenIndex].Model;

    /// <summary>The model whose answer is to be shown beside the chosen one's; null for most decisions.</summary>
    public ModelId? Offered => OfferedIndex is { } index ? Candidates[index].Model : null;

    /// <summary>Every model of the catalog, in the catalog's order.</summary>
    public IReadOnlyList<RankedModel> Candidates { get; }

    /// <summary>Who is asked, in turn: the chosen model, and should that fail the others that may answer, the one worth most first.</summary>
    public IEnumerable<ModelId> InTurn => Candidates.Where(c => c.Exclusion == ModelExclusion.None && c.Model != Model).OrderByDescending(c => c.Utility).Select(c => c.Model).Prepend(Model);

    public int ChosenIndex { get; }

    public int? OfferedIndex { get; }

    /// <summary>The exact probability with which the chosen model was chosen.</summary>
    public double Propensity => Candidates[ChosenIndex].Propensity;

    public DecisionReason Reason { get; }

    /// <summary>The trade-off acted on: the dial position with the best record for what is believed of the user, or the one set by hand.</summary>
    public Preference Preference { get; }

    public double LambdaCost => Preference.LambdaCost;

    /// <summary>The quality charged for each second of waiting; 0 for users who are not known to mind.</summary>
    public double LambdaLatency => Preference.LambdaLatency;

    /// <summary>tau in US dollars that costs were weighed by, above 0.</summary>
    public double CostScaleUsd { get; }

    public Receipt Receipt { get; }

    /// <summary>The sealed receipt. Sealed when it is first asked for; equal however often.</summary>
    public string Token => _token ??= _sealer!.Seal(Receipt);

    public ulong SnapshotVersion => Receipt.SnapshotVersion;

    /// <summary>The sealed receipt without a string of its own.</summary>
    /// <param name="utf8">At least <see cref="ReceiptSealer.TokenLength"/> long.</param>
    /// <returns>How much of it was written.</returns>
    public int WriteToken(Span<byte> utf8) => _token is { } token ? Encoding.ASCII.GetBytes(token, utf8) : _sealer!.Seal(Receipt, utf8);
}
