using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;
using MetaRouter.Orleans;
using Microsoft.Extensions.Options;

/// <summary>Everything an operator set, checked before anything starts. Problems of all sections are reported together.</summary>
internal static class SiloSettings
{
    private const string Store = $"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.Store)}";

    /// <exception cref="OptionsValidationException">At least one setting cannot be used.</exception>
    public static MetaRouterClusterOptions Read(IConfiguration configuration)
    {
        var (problems, copy) = (new List<string>(), SettingsBinder.Copy(configuration));
        var cluster = SettingsBinder.Bind<MetaRouterClusterOptions>(copy, MetaRouterClusterOptions.Section, problems);
        var store = copy[Store];
        if (store?.StartsWith("cluster:", StringComparison.Ordinal) == true)
        {
            problems.Add($"{Store} is '{WithoutPassword(store)}', which is for gateways; a silo's users are in the Redis that {MetaRouterClusterOptions.Section}:Redis names, now '{WithoutPassword(cluster.Redis)}'. Leave it out");
            copy[Store] = new MetaRouterOptions().Store; // said once
        }

        var router = SettingsBinder.Bind<MetaRouterOptions>(copy, MetaRouterOptions.Section, problems);
        problems.AddRange(router.Problems().Select(p => $"{MetaRouterOptions.Section}: {p}"));
        problems.AddRange(cluster.Problems().Select(p => $"{MetaRouterClusterOptions.Section}: {p}"));
        return problems.Count == 0 ? cluster : throw new OptionsValidationException(MetaRouterOptions.Section, typeof(MetaRouterClusterOptions), problems);
    }

    public static string WithoutPassword(string redis) => redis.Split(',')[0];
}
