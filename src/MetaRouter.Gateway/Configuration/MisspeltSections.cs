using MetaRouter.Hosting.Settings;
using Microsoft.Extensions.Configuration.Json;

namespace MetaRouter.Gateway.Configuration;

/// <summary>
/// Sections of a settings file that nobody reads and whose names are nearly those of sections that are read: <c>"Upstream"</c> would leave the gateway without upstreams, and its answers
/// simulated. Names unlike any that are read are left alone, since a host has sections of its own; so are environment variables, which all programs share.
/// </summary>
internal static class MisspeltSections
{
    /// <returns>What is written, and what was probably meant.</returns>
    public static IEnumerable<(string Written, string Meant)> Of(IConfigurationRoot configuration) =>
        from written in configuration.Providers.OfType<JsonConfigurationProvider>().SelectMany(p => p.GetChildKeys([], null)).Distinct(StringComparer.OrdinalIgnoreCase)
        where !Arguments.Known.Contains(written, StringComparer.OrdinalIgnoreCase)
        let meant = Spelling.Nearest(written, Arguments.Known)
        where meant is not null
        select (written, meant);
}
