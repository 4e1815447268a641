namespace MetaRouter.Gateway.Configuration;

/// <summary>How the HTTP edge behaves: section <c>Gateway</c> of the configuration.</summary>
internal sealed class GatewayOptions
{
    public const string Section = "Gateway";

    /// <value>lambda_cost of <c>auto:quality</c>; 0 or more, default 0: cost does not matter.</value>
    public double QualityLambda { get; set; }

    /// <value>lambda_cost of <c>auto:balanced</c>; 0 or more, default 0.3.</value>
    public double BalancedLambda { get; set; } = 0.3;

    /// <value>lambda_cost of <c>auto:cheap</c>; 0 or more, default 3.</value>
    public double CheapLambda { get; set; } = 3;

    /// <value>The model that answers <c>auto</c> when a request sets x-router-mode to off or observe; empty, the default: the dearest enabled model.</value>
    public string OffModel { get; set; } = "";

    /// <value>The longest body of a router call, bytes; 1,000 to 100,000,000, default 1,000,000.</value>
    public int RouterBodyBytes { get; set; } = 1_000_000;

    /// <value>The longest body of a chat call, bytes; 1,000 to 100,000,000, default 10,000,000.</value>
    public int ChatBodyBytes { get; set; } = 10_000_000;

    /// <value>The longest answer taken from an upstream, bytes; 1,000 to 1,000,000,000, default 50,000,000.</value>
    public int UpstreamBodyBytes { get; set; } = 50_000_000;

    /// <value>Upstream calls one request may make at most, the first and those after a failure; 1 to 10, default 3.</value>
    public int MostAttempts { get; set; } = 3;

    /// <value>Failures in a row after which an upstream is left alone for a while; 1 to 1,000, default 5.</value>
    public int CircuitFailures { get; set; } = 5;

    /// <value>Seconds it is left alone the first time; doubled each time it fails again, up to a minute. 1 to 60, default 5.</value>
    public double CircuitSeconds { get; set; } = 5;

    public IEnumerable<string> Problems()
    {
        foreach (var (name, value, least, most) in new (string, double, double, double)[] { (nameof(MostAttempts), MostAttempts, 1, 10), (nameof(CircuitFailures), CircuitFailures, 1, 1000), (nameof(CircuitSeconds), CircuitSeconds, 1, 60) })
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

        foreach (var (name, value, most) in new[] { (nameof(RouterBodyBytes), RouterBodyBytes, 100_000_000), (nameof(ChatBodyBytes), ChatBodyBytes, 100_000_000), (nameof(UpstreamBodyBytes), UpstreamBodyBytes, 1_000_000_000) })
        {
            if (value < 1000 || value > most)
            {
                yield return $"{Section}:{name} is {value}; it must be from 1000 to {most} bytes";
            }
        }
    }
}
