using System.Globalization;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Gateway.Demo;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Configuration;

/// <summary>The models shown when nothing is configured: eight well-known ones of the shipped snapshot, at their list prices.</summary>
internal static class DemoCatalog
{
    /// <summary>
    /// For simulated users. Each step up in price is worth it to some of them: a model that is nearly the best and nearly the cheapest would answer everybody, whatever their trade-off,
    /// and their feedback on it would tell nothing.
    /// </summary>
    private static readonly string[] s_played =
    [
        "claude-3-5-sonnet-20241022", "gpt-4o-2024-08-06", "llama-3.1-405b-instruct", "claude-3-5-haiku-20241022",
        "llama-3.1-70b-instruct", "llama-3.1-8b-instruct", "deepseek-v2-chat", "gemma-2-9b-it",
    ];

    private static readonly string[] s_models =
    [
        "gpt-4o-2024-05-13", "gemini-1.5-pro-002", "gemini-1.5-flash-002", "llama-3.1-70b-instruct",
        "llama-3.1-8b-instruct", "deepseek-v2-chat", "mixtral-8x7b-instruct", "qwen1.5-72b-chat",
    ];

    /// <summary>Adds the models when neither models, upstreams nor a snapshot of the operator's own are configured.</summary>
    public static void AddWhereNothingIsConfigured(ConfigurationManager configuration)
    {
        var router = configuration.GetSection(MetaRouterOptions.Section);
        if (configuration.GetSection(UpstreamOptions.Section).GetChildren().Any()
            || router.GetSection(nameof(MetaRouterOptions.Models)).GetChildren().Any()
            || !string.IsNullOrEmpty(router[nameof(MetaRouterOptions.Snapshot)]))
        {
            return;
        }

        var models = DemoMode.IsOn(configuration) ? s_played : s_models;
        var known = Snapshot.Default.Models.Where(m => models.Contains(m.Id.Value)).OrderBy(m => Array.IndexOf(models, m.Id.Value)).ToList();
        configuration.AddInMemoryCollection(known.SelectMany((model, i) => (KeyValuePair<string, string?>[])
        [
            new($"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.Models)}:{i}:Id", model.Id.Value),
            new($"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.Models)}:{i}:InputPrice", model.InputPrice.Usd.ToString(CultureInfo.InvariantCulture)),
            new($"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.Models)}:{i}:OutputPrice", model.OutputPrice.Usd.ToString(CultureInfo.InvariantCulture)),
        ]));
    }
}
