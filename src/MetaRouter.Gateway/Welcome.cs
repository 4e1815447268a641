using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Demo;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Options;

namespace MetaRouter.Gateway;

/// <summary>What the program says when it has started.</summary>
internal static class Welcome
{
    private const int MostNamed = 5;

    public static string Text(WebApplication app)
    {
        var settings = app.Services.GetRequiredService<GatewaySettings>();
        if (settings.Demo is { } demo)
        {
            return Demo(app.Urls.First(), demo, WithoutRouting(app, settings));
        }

        var said = Kept(app) + SetWhileItRan(app, settings) + WithoutRouting(app, settings) + ModelsJudgedByPrice(app);
        return settings.IsSimulated ? Simulated(app.Urls.First(), said, settings.ApiKeys.Count > 0)
            : $"MetaRouter listens on {string.Join(", ", app.Urls)}. Its console: {app.Urls.First()}/{Environment.NewLine}{said}";
    }

    /// <summary>What the store overrides in the configuration: without this line, somebody who edits the file would wonder why nothing changes.</summary>
    private static string SetWhileItRan(WebApplication app, GatewaySettings settings)
    {
        var (said, mode) = ("", app.Services.GetRequiredService<ModeKeeper>().Mode);
        if (app.Services.GetService<CatalogKeeper>()?.Configured is { } configured
            && app.Services.GetRequiredService<PoolHolder>().Current.Catalog is var served
            && served.Version != configured.Version)
        {
            var other = configured.Models.ExceptBy(served.Models.Select(Version), Version).Concat(served.Models.ExceptBy(configured.Models.Select(Version), Version))
                .Select(m => m.Id.Value).Distinct().Take(MostNamed + 1).ToList();
            said = $"{Environment.NewLine}In service are the models that were set at run time (in the console, or by PUT /v1/router/models), "
                + $"not those of {MetaRouterOptions.Section}:{nameof(MetaRouterOptions.Models)}, which has others or other figures: "
                + $"{string.Join(", ", other.Take(MostNamed))}{(other.Count > MostNamed ? " and more" : "")}. DELETE /v1/router/models goes back to the configuration's.";
        }

        return mode == settings.Gateway.Mode ? said
            : $"{said}{Environment.NewLine}The mode is '{mode}', which was set at run time, not '{settings.Gateway.Mode}' as in "
                + $"{GatewayOptions.Section}:{nameof(GatewayOptions.Mode)}; PUT /v1/router/mode with an empty mode goes back to that.";
    }

    /// <summary>Of one model: its sibling may be another of the catalog.</summary>
    private static ulong Version(ModelProfile model) => new ModelCatalog([model]).Version;

    /// <summary>Who answers while decisions are not followed: otherwise it would look as if one model were always chosen.</summary>
    private static string WithoutRouting(WebApplication app, GatewaySettings settings)
    {
        var mode = app.Services.GetRequiredService<ModeKeeper>().Mode;
        var model = settings.Strongest(app.Services.GetRequiredService<PoolHolder>().Current.Catalog).Id;
        var answers = $"'{model}' answers 'auto' ({(settings.Gateway.OffModel == model.Value ? "" : "the dearest model; another: ")}{GatewayOptions.Section}:{nameof(GatewayOptions.OffModel)}).";
        return mode switch
        {
            ModeKeeper.Observe => $"{Environment.NewLine}In the mode observe decisions are noted and not followed: {answers} "
                + (app.Services.GetRequiredService<MetaRouterOptions>().DecisionLog.Length > 0 ? "GET /v1/router/savings says what following them would have saved." : "To be told what following them would have saved, name a file in MetaRouter:DecisionLog."),
            ModeKeeper.Static => $"{Environment.NewLine}In the mode static nothing is decided: {answers}",
            _ when settings.Gateway.ApplyShare < 1 => string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"{Environment.NewLine}Decisions are followed for {settings.Gateway.ApplyShare:P1} of the users ({GatewayOptions.Section}:{nameof(GatewayOptions.ApplyShare)}); for the others {answers} "
                    + $"{(app.Services.GetRequiredService<MetaRouterOptions>().DecisionLog.Length > 0 ? "GET /v1/router/savings sets the two beside each other." : "To see the two beside each other, name a file in MetaRouter:DecisionLog.")}"),
            _ => "",
        };
    }

    /// <summary>Models of which only the price is known; an operator may know what each is like.</summary>
    private static string ModelsJudgedByPrice(WebApplication app)
    {
        var pool = app.Services.GetRequiredService<PoolHolder>().Current;
        var strangers = pool.Catalog.Models.Where(m => m.Enabled && pool.JudgedByPrice.Contains(m.Id)).Select(m => m.Id.Value).ToArray();
        return strangers.Length == 0 ? ""
            : $"{Environment.NewLine}Judged by price alone, since the snapshot does not know {(strangers.Length == 1 ? "it" : "them")}: {string.Join(", ", strangers)}. "
                + "The dearer is taken for the better until you name as Sibling a model that each is like ('metarouter models list' tells "
                + $"which are known), or add some twenty graded answers of it ('metarouter models add', {ProgramDefaults.Page("operating.md")}).";
    }

    private static string Demo(string url, DemoOptions demo, string mode) => $"""
        MetaRouter listens on {url}

        A demo: {demo.Users} users are SIMULATED, each with a different trade-off between quality and cost, which the router is not told. {(demo.Data.Length == 0
            ? "Their requests and the answers are simulated too."
            : $"Their requests, and how well and at what cost each model answered them, are those of {demo.Data}; the shipped snapshot may have learned from some of them.")}
        Latencies are simulated. Decisions, learning and every figure of the console are the gateway's own. Seed {demo.Seed}: {DemoOptions.Switch} --{DemoOptions.Section}:{nameof(demo.Seed)} 2 gives others.{mode}

        Look at it: {url}/

        Stop with Ctrl+C.
        """;

    /// <summary>A file's full path, since a relative one depends on the folder; a Redis address without its options, which may hold a password.</summary>
    private static string Kept(WebApplication app)
    {
        var store = app.Services.GetRequiredService<IOptions<MetaRouterOptions>>().Value.Store;
        return StoreAddress.Parse(store) switch
        {
            { Kind: StoreKind.Memory } => "What is learned of users is kept in memory, and gone with the process.",
            { Kind: StoreKind.Sqlite, Place: var path } => $"What is learned of users is kept in {Path.GetFullPath(path)}.",
            _ => $"What is learned of users is kept in {RedisAddress.Shown(store)}.",
        };
    }

    private static string Simulated(string url, string kept, bool asksForKey) => asksForKey
        ? Simulated(url, kept).Replace("curl -s ", "curl -s -H \"Authorization: Bearer $KEY\" ", StringComparison.Ordinal)
            .Replace("into another terminal:", "into another terminal, with KEY set to an API key of the scopes inference, feedback and read:", StringComparison.Ordinal)
        : Simulated(url, kept);

    private static string Simulated(string url, string kept) => $$"""
        MetaRouter listens on {{url}}

        No upstream is configured, so answers are SIMULATED; decisions and learning are real.
        The console: {{url}}/
        {{kept}}
        Three commands to paste into another terminal:

        1. Route a request of an unknown user, and see what was expected of each model:

        curl -s '{{url}}/v1/router/route?pretty' -H 'content-type: application/json' -d '{"user":"you","input":"A chemist mixes 200 ml of 0.5 M HCl with 300 ml of 0.2 M NaOH. What is the pH of the mixture?"}'

        2. Let two users compare answers ten times: "frugal" prefers the cheaper model's, "picky" the dearer one's:

        for who in frugal:cheaper picky:dearer; do for i in 1 2 3 4 5 6 7 8 9 10; do user=${who%:*}; receipt=$(curl -s {{url}}/v1/router/route -d '{"user":"'$user'","compare":true,"input":"A chemist mixes 200 ml of 0.5 M HCl with 300 ml of 0.2 M NaOH. What is the pH of the mixture?"}' | sed 's/.*"receipt":"\([^"]*\)".*/\1/'); echo "$user $(curl -s {{url}}/v1/router/feedback -d '{"receipt":"'$receipt'","user":"'$user'","kind":"comparison","value":"'${who#*:}'"}' | sed 's/.*"explanation":"\([^"]*\)".*/\1/')"; done; done

        3. See what was learned of each, and who answers each now (of a hundred answers a few try another model, to learn from it):

        for user in frugal picky; do curl -s "{{url}}/v1/router/users/$user?pretty" | head -14; curl -s {{url}}/v1/chat/completions -H 'content-type: application/json' -d '{"model":"auto","user":"'$user'","messages":[{"role":"user","content":"A chemist mixes 200 ml of 0.5 M HCl with 300 ml of 0.2 M NaOH. What is the pH of the mixture?"}]}' | sed 's/.*"content":"\([^"]*\)".*/  answer: \1/'; echo; done

        To route to real models, name them under MetaRouter:Models and Upstreams in appsettings.json. Stop with Ctrl+C.
        """;
}
