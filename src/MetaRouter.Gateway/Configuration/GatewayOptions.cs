using MetaRouter.Core.Routing;

namespace MetaRouter.Gateway.Configuration;

/// <summary>How the HTTP edge behaves: section <c>Gateway</c> of the configuration.</summary>
internal sealed class GatewayOptions
{
    public const string Section = "Gateway";

    /// <value>lambda_cost of <c>auto:quality</c>; 0 or more, default 0: cost does not matter.</value>
    public double QualityLambda { get; set; } = Dial.QualityLambda;

    /// <value>lambda_cost of <c>auto:balanced</c>; 0 or more, default 0.3.</value>
    public double BalancedLambda { get; set; } = Dial.BalancedLambda;

    /// <value>lambda_cost of <c>auto:cheap</c>; 0 or more, default 3.</value>
    public double CheapLambda { get; set; } = Dial.CheapLambda;

    /// <value>The model that answers <c>auto</c> when a request sets x-router-mode to off or observe; empty, the default: the dearest enabled model. Where a
    /// tenant or a category rules it out, the dearest model that they allow.</value>
    public string OffModel { get; set; } = "";

    /// <value>The stronger of the two models that a <c>router-metarouter-THRESHOLD</c> chooses between; empty, the default: the dearest enabled one.
    /// <c>metarouter calibrate</c> says which two models its threshold is for.</value>
    public string StrongModel { get; set; } = "";

    /// <value>The weaker one; empty, the default: the cheapest enabled one.</value>
    public string WeakModel { get; set; } = "";

    /// <value>Other names by which clients may ask for that same router, such as <c>mf</c>: its score decides, whatever the name, so their thresholds must be calibrated for it. Default: none.</value>
    public IList<string> RouterNames { get; } = [];

    /// <value>
    /// Names that clients send and cannot change, each with the routed name that it stands for: <c>auto</c>, <c>auto:cheap</c>... The name <c>*</c> is every other one that would be refused,
    /// so no model's. Default: none.
    /// </value>
    public IDictionary<string, string> RoutedNames { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <value>The longest body of a router call, bytes; 1,000 to 100,000,000, default 1,000,000.</value>
    public int RouterBodyBytes { get; set; } = 1_000_000;

    /// <value>The longest body of a chat call, bytes; 1,000 to 100,000,000, default 10,000,000.</value>
    public int ChatBodyBytes { get; set; } = 10_000_000;

    /// <value>The longest answer taken from an upstream, bytes; of a stream its longest event, and for Responses, which repeats the whole text at the end, all
    /// of it. 1,000 to 1,000,000,000, default 50,000,000.</value>
    public int UpstreamBodyBytes { get; set; } = 50_000_000;

    /// <value>Upstream calls one request may make at most, the first and those after a failure; 1 to 10, default 3.</value>
    public int MostAttempts { get; set; } = 3;

    /// <value>Failures in a row after which an upstream is left alone for a while; 1 to 1,000, default 5.</value>
    public int CircuitFailures { get; set; } = 5;

    /// <value>Seconds it is left alone the first time; doubled each time it fails again, up to a minute. 1 to 60, default 5.</value>
    public double CircuitSeconds { get; set; } = 5;

    /// <value>What becomes of routing: <c>apply</c> (the default), <c>observe</c> (decide, note, and let <see cref="OffModel"/> answer) or <c>static</c> (let
    /// it answer). An administrator can change it at run time.</value>
    public string Mode { get; set; } = "apply";

    /// <value>In the mode <c>apply</c>, the share of users whose decisions are followed; the others' are only noted, as in <c>observe</c>. 0 to 1 (the default). A user
    /// stays on one side, and goes to the other only where the share is moved past them; a request without a user is drawn by lot.</value>
    public double ApplyShare { get; set; } = 1;

    /// <value>Seconds after which a conversation's model is no longer assumed to have its prompt cached; 0: never assumed, up to 86,400, default 300.</value>
    public double SessionSeconds { get; set; } = 300;

    /// <value>Learn from what users do: ask the same again, go to another model, leave a stream. Default false.</value>
    public bool ImplicitSignals { get; set; }

    /// <value>The share of the requests that allow it which are answered by two models, for the user to compare; 0 (the default) to 1.</value>
    public double CompareShare { get; set; }

    /// <value>The last requests of this process that the console shows, 90 bytes of memory each and 24 for each model; 0: none are kept, up to 10,000,000, default 100,000.</value>
    public int ConsoleDecisions { get; set; } = 100_000;

    /// <value>The most memory they take, in millions of bytes; the oldest go first. 1 to 100,000, default 64.</value>
    public int ConsoleMegabytes { get; set; } = 64;

    /// <value>Categories of requests with the only models that may see them; a request names its category in the header x-router-category. Default: none.</value>
    public IDictionary<string, List<string>> CategoryPins { get; } = new Dictionary<string, List<string>>();

    /// <summary>The pins, as models.</summary>
    internal IReadOnlyDictionary<string, IReadOnlySet<Core.Catalog.ModelId>> Pins =>
        _pins ??= CategoryPins.ToDictionary(p => p.Key, p => (IReadOnlySet<Core.Catalog.ModelId>)p.Value.Select(m => new Core.Catalog.ModelId(m)).ToHashSet());

    private Dictionary<string, IReadOnlySet<Core.Catalog.ModelId>>? _pins;

    public IEnumerable<string> Problems()
    {
        if (Mode is not ("apply" or "observe" or "static"))
        {
            yield return $"{Section}:{nameof(Mode)} is '{Mode}'; it must be apply, observe or static";
        }

        if (StrongModel.Length > 0 && StrongModel == WeakModel)
        {
            yield return $"{Section}:{nameof(StrongModel)} and {nameof(WeakModel)} are both '{StrongModel}'; give two models";
        }

        if (!(SessionSeconds is >= 0 and <= 86_400))
        {
            yield return FormattableString.Invariant($"{Section}:{nameof(SessionSeconds)} is {SessionSeconds}; it must be from 0 to 86400");
        }

        if (!(ApplyShare is >= 0 and <= 1))
        {
            yield return FormattableString.Invariant($"{Section}:{nameof(ApplyShare)} is {ApplyShare}; it must be from 0 to 1");
        }

        if (!(CompareShare is >= 0 and <= 1))
        {
            yield return FormattableString.Invariant($"{Section}:{nameof(CompareShare)} is {CompareShare}; it must be from 0 to 1");
        }

        foreach (var (category, models) in CategoryPins)
        {
            if (models.Count == 0 || !models.TrueForAll(Router.CatalogModels.IsName))
            {
                yield return $"{Section}:{nameof(CategoryPins)}:{category} lists {(models.Count == 0 ? "no model" : "a name that no model can have")}; list the models that may see its requests";
            }
        }

        foreach (var (name, value, least, most) in new (string, double, double, double)[]
        {
            (nameof(MostAttempts), MostAttempts, 1, 10),
            (nameof(CircuitFailures), CircuitFailures, 1, 1000),
            (nameof(CircuitSeconds), CircuitSeconds, 1, 60),
            (nameof(ConsoleDecisions), ConsoleDecisions, 0, 10_000_000),
            (nameof(ConsoleMegabytes), ConsoleMegabytes, 1, 100_000),
        })
        {
            if (!(value >= least && value <= most))
            {
                yield return FormattableString.Invariant($"{Section}:{name} is {value}; it must be from {least} to {most}");
            }
        }

        foreach (var (name, value) in new[] { (nameof(QualityLambda), QualityLambda), (nameof(BalancedLambda), BalancedLambda), (nameof(CheapLambda), CheapLambda) })
        {
            if (!(value >= 0 && double.IsFinite(value)))
            {
                yield return FormattableString.Invariant($"{Section}:{name} is {value}; it is a lambda_cost and must be finite and 0 or more");
            }
        }

        foreach (var (name, value, most) in new[]
        {
            (nameof(RouterBodyBytes), RouterBodyBytes, 100_000_000),
            (nameof(ChatBodyBytes), ChatBodyBytes, 100_000_000),
            (nameof(UpstreamBodyBytes), UpstreamBodyBytes, 1_000_000_000),
        })
        {
            if (value < 1000 || value > most)
            {
                yield return $"{Section}:{name} is {value}; it must be from 1000 to {most} bytes";
            }
        }
    }
}
