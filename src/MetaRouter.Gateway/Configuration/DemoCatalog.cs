using System.Globalization;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Configuration;

/// <summary>The models shown when nothing is configured: eight well-known ones of the shipped snapshot, from the cheapest to the dearest, at their list prices.</summary>
internal static class DemoCatalog
{
    private static readonly string[] s_models =
    [
        "gpt-4o-2024-05-13", "gemini-1.5-pro-002", "gemini-1.5-flash-002", "llama-3.1-70b-instruct",
        "llama-3.1-8b-instruct", "deepseek-v2-chat", "mixtral-8x7b-instruct", "qwen1.5-72b-chat",
    ];

    /// <summary>Adds the models when neither models, upstreams nor a snapshot of the operator's own are configured.</summary>
    public static void AddWhereNothingIsConfigured(ConfigurationManager configuration)
    {
        var router = configuration.GetSection(MetaRouterOptions.Section);
        if (configuration.GetSection(UpstreamOptions.Section).GetChildren().Any() || router.GetSection(nameof(MetaRouterOptions.Models)).GetChildren().Any() || !string.IsNullOrEmpty(router[nameof(MetaRouterOptions.Snapshot)]))
        {
            return;
        }

        var known = Snapshot.Default.Models.Where(m => s_models.Contains(m.Id.Value)).OrderBy(m => Array.IndexOf(s_models, m.Id.Value)).ToList();
        configuration.AddInMemoryCollection(known.SelectMany((model, i) => (KeyValuePair<string, string?>[])
        [
            new($"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.Models)}:{i}:Id", model.Id.Value),
            new($"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.Models)}:{i}:InputPrice", model.InputPrice.Usd.ToString(CultureInfo.InvariantCulture)),
            new($"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.Models)}:{i}:OutputPrice", model.OutputPrice.Usd.ToString(CultureInfo.InvariantCulture)),
        ]));
    }
}
