using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Configuration.Json;

namespace MetaRouter.Gateway.Demo;

/// <summary><c>--demo</c> on the command line: simulated users, and settings that suit them.</summary>
internal static class DemoMode
{
    /// <summary>Set by <see cref="Take"/>; a settings file cannot, so nobody is surprised by users who do not exist.</summary>
    private const string On = "MetaRouterDemoIsOn";

    public static bool IsOn(IConfiguration configuration) => configuration[On] is not null;

    /// <summary>The arguments without the switch, which has no value: the framework would take the next argument for one.</summary>
    public static string[] Without(string[] args) => [.. args.Where(a => a != DemoOptions.Switch)];

    /// <summary>Simulated users are kept in memory only, unless a store is named; and what they teach is learned often, so that it shows.</summary>
    public static void Take(string[] args, ConfigurationManager configuration)
    {
        if (!args.Contains(DemoOptions.Switch))
        {
            return;
        }

        var defaults = new Dictionary<string, string?> { [On] = "true" };
        foreach (var (name, value) in new[] { ("MetaRouter:Store", StoreAddress.Memory), ("MetaRouter:RefreshSeconds", "15") })
        {
            if (!IsNamed(configuration, name))
            {
                defaults[name] = value;
            }
        }

        configuration.AddInMemoryCollection(defaults);
    }

    /// <summary>Named by somebody, not by the shipped settings file.</summary>
    private static bool IsNamed(ConfigurationManager configuration, string name) =>
        ((IConfigurationRoot)configuration).Providers.Any(p => p is not JsonConfigurationProvider && p.TryGet(name, out _));
}
