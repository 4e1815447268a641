using MetaRouter.Hosting.Settings;

namespace MetaRouter.Gateway.Configuration;

/// <summary>Settings that cannot be used; the message lists every one.</summary>
internal sealed class GatewayConfigurationException(IReadOnlyList<string> problems)
    : Exception(SettingsBinder.Report(problems))
{
    public IReadOnlyList<string> Problems { get; } = problems;
}
