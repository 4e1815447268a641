using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>In what P3's users differ from the plain ones, everything else unchanged.</summary>
/// <param name="Name">As the table has it; empty: the plain ones.</param>
/// <param name="Description">What a reader must know of it.</param>
public sealed record PreferenceVariant(string Name, string Description)
{
    /// <value>How sharply they judge; default 10.</value>
    public double Beta { get; init; } = 10;

    /// <value>The only trade-offs there are, equally often; empty (the default): log-uniform in [0.01, 10].</value>
    public IReadOnlyList<double> Lambdas { get; init; } = [];

    /// <value>Whether cost weighs by its logarithm. Default false.</value>
    public bool LogCost { get; init; }

    /// <value>Whether lambda is a quarter, one or four times itself by topic. Default false.</value>
    public bool ByTopic { get; init; }

    /// <value>Whether nobody compares: a thumb on some answers, and a new one asked for after some thumbs down. Default false.</value>
    public bool Thumbs { get; init; }

    /// <value>How many others, drawn as they, compared as much before and taught the prior that they start from; 0 (the default): nobody, they start from what ships.</value>
    public int Teachers { get; init; }

    /// <summary>After how many signals shares are reported.</summary>
    public IReadOnlyList<int> Reported => Thumbs ? [0, 6, 12, 20, 40] : P3.Reported;

    /// <summary>Whether cost is worth to them what the protocol's utility says, so that records of training rows hold for them.</summary>
    public bool HasPlainCost => !LogCost && !ByTopic;

    /// <summary>What a plain user is among these.</summary>
    /// <param name="number">The user's among all.</param>
    internal SimulatedUser Of(SimulatedUser plain, int number) => Lambdas.Count > 0 ? new SimulatedUser(Lambdas[number % Lambdas.Count], Beta) : plain with { Beta = Beta };

    public static PreferenceVariant Plain { get; } = new("", "");

    public static IReadOnlyList<PreferenceVariant> All { get; } =
    [
        .. AsTheyCome(),
        Plain.Taught("taught"),
        .. AsTheyCome().Where(v => v.Beta == Plain.Beta).Select(v => v.Taught(v.Name + " taught")),
        new(
            "thumbs",
            "No comparisons: a thumb on 30 % of the answers, up with probability sigmoid(10 (u - median u)), "
                + "and half of the thumbs down come with a regenerate; both count as signals.") { Thumbs = true },
    ];

    private static PreferenceVariant[] AsTheyCome() =>
    [
        new("log cost", "Their utility is q - lambda log(1 + c/c_min) / log(1 + c_max/c_min), c_min and c_max the mean costs of the cheapest and the dearest model.") { LogCost = true },
        new("by topic", "Lambda is a quarter, one or four times itself, by a hash of the request's category.") { ByTopic = true },
        new("extreme", "Lambda is 0.005 or 20.") { Lambdas = [.005, 20] },
        new("unsure", "They judge with a sharpness of 4 instead of 10.") { Beta = 4 },
    ];

    /// <summary>The same users, who find a prior that others of their kind have taught.</summary>
    private PreferenceVariant Taught(string name) => this with
    {
        Name = name,
        Description = (Description + " As many others, drawn as they, answered as many comparisons on the same requests before, and taught the prior that they start from.").TrimStart(),
        Teachers = P3.Users,
    };
}
