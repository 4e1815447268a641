namespace MetaRouter.Gateway.Configuration;

/// <summary>Settings that cannot be used; the message lists every one.</summary>
internal sealed class GatewayConfigurationException(IReadOnlyList<string> problems)
    : Exception($"The configuration cannot be used:{string.Concat(problems.Select(p => $"{Environment.NewLine}  - {p}"))}")
{
    public IReadOnlyList<string> Problems { get; } = problems;
}
