using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Chat;

/// <summary>
/// The names under which a request is routed: <c>auto</c>, <c>auto:quality</c> and so on, and RouteLLM's <c>router-NAME-THRESHOLD</c>, which allows only the strong model
/// and the weak one, and chooses the strong one where its chance of the better answer reaches the threshold. <see cref="GatewayOptions.RoutedNames"/> has further names for
/// these, of clients that cannot send another.
/// </summary>
internal sealed class RoutedNames(GatewaySettings settings)
{
    /// <summary>The name that <c>metarouter calibrate</c> gives the shipped router.</summary>
    public const string Shipped = "metarouter";

    private const string Prefix = "router-";

    /// <summary>Among the further names: every one that would be refused.</summary>
    private const string AnyOther = "*";

    private const string Setting = $"{GatewayOptions.Section}:{nameof(GatewayOptions.RoutedNames)}";

    /// <summary>What a routed name asks for.</summary>
    /// <param name="LambdaCost">Its place on the dial; null: the user's own.</param>
    /// <param name="Deferral">Two models and a threshold; null: all models.</param>
    /// <param name="Label">The name, as a label: of few values, unlike RouteLLM's names, which have thresholds in them, and unlike what clients send.</param>
    internal sealed record Asked(double? LambdaCost, DeferralRule? Deferral, string Label);

    private static readonly Asked s_auto = new(null, null, Dial.Auto);

    private readonly Asked
        _quality = new(settings.Gateway.QualityLambda, null, Dial.Quality), _balanced = new(settings.Gateway.BalancedLambda, null, Dial.Balanced),
        _cheap = new(settings.Gateway.CheapLambda, null, Dial.Cheap);

    /// <summary>A routed name, for the list of models.</summary>
    /// <param name="IsThreshold">It is RouteLLM's form.</param>
    internal sealed record Described(string Name, double? LambdaCost, string Description, bool IsThreshold = false);

    /// <summary>The names for a list of models; the middle threshold stands for all.</summary>
    public IEnumerable<Described> Listed(ModelCatalog catalog)
    {
        yield return new(Dial.Auto, null, "routed by what was learned of the user");
        yield return new(Dial.Quality, settings.Gateway.QualityLambda, "routed for quality");
        yield return new(Dial.Balanced, settings.Gateway.BalancedLambda, "routed for both");
        yield return new(Dial.Cheap, settings.Gateway.CheapLambda, "routed for cost");
        if (settings.PairOf(catalog) is var (strong, weak))
        {
            yield return new($"{Prefix}{Shipped}-0.5", null, $"{strong} where its chance of the better answer is at least 0.5, or any other threshold from 0 to 1 in its place; else {weak}", IsThreshold: true);
        }

        foreach (var (name, meant) in settings.Gateway.RoutedNames.Where(n => n.Key != AnyOther))
        {
            yield return Further(name, meant);
        }
    }

    /// <summary>A listed name, one with another threshold, or one that stands for another. Null: it is not a routed name.</summary>
    /// <exception cref="ApiException">As <see cref="Read"/>.</exception>
    public Described? Find(string name, ModelCatalog catalog) =>
        Listed(catalog).FirstOrDefault(n => n.Name == name)
        ?? (Meant(name, catalog) is var meant && meant != name ? Further(name, meant)
            : Read(name, catalog)?.Deferral is { } rule
            ? new(name, null, string.Create(CultureInfo.InvariantCulture, $"{rule.Strong} where its chance of the better answer is at least {rule.Threshold}; else {rule.Weak}"), IsThreshold: true)
            : null);

    private Described Further(string name, string meant) => new(
        name, meant switch { Dial.Quality => _quality.LambdaCost, Dial.Balanced => _balanced.LambdaCost, Dial.Cheap => _cheap.LambdaCost, _ => null }, $"another name of {meant}");

    /// <summary>What is wrong with the further names, for the models at the start.</summary>
    public IEnumerable<string> Problems(ModelCatalog catalog)
    {
        foreach (var (name, meant) in settings.Gateway.RoutedNames)
        {
            if (name is Dial.Auto or Dial.Quality or Dial.Balanced or Dial.Cheap)
            {
                yield return $"{Setting}:{name} gives '{name}' another meaning, which it has already; leave it out (Gateway:QualityLambda and the like move the dial)";
            }
            else if (Problem(meant) is { } problem)
            {
                yield return $"{Setting}:{name} is '{meant}', {problem}";
            }
        }

        string? Problem(string meant)
        {
            try
            {
                return Own(meant, catalog) is not null ? null
                    : $"under which nothing is routed; it must be {Dial.Auto}, {Dial.Quality}, {Dial.Balanced}, {Dial.Cheap} or {Prefix}{Shipped}-THRESHOLD "
                        + $"(another name of a model goes into {MetaRouterOptions.Section}:Models as one of its Aliases)";
            }
            catch (ApiException e)
            {
                return $"which would be refused: {e.Message.TrimEnd('.')}";
            }
        }
    }

    /// <returns>Null: it is not a routed name, so it names a model.</returns>
    /// <exception cref="ApiException">400: it has RouteLLM's form but is malformed; 404: it names a router that is not served.</exception>
    public Asked? Read(string model, ModelCatalog catalog) => Own(Meant(model, catalog), catalog);

    /// <summary>Whether the operator said what the name stands for.</summary>
    public bool IsListed(string name) => settings.Gateway.RoutedNames.ContainsKey(name);

    /// <summary>The routed name that a client's name stands for; the name itself, where it stands for none.</summary>
    private string Meant(string name, ModelCatalog catalog)
    {
        var further = settings.Gateway.RoutedNames;
        return further.Count == 0 ? name
            : further.TryGetValue(name, out var meant) ? meant
            : further.TryGetValue(AnyOther, out var any) && !IsOwn(name) && !CatalogModels.Has(catalog, name) && !settings.OnlyEmbeds(name, catalog) ? any
            : name;
    }

    /// <summary>Of this gateway's own form, right or misspelt: who writes such a name means it, and is told what is wrong with it.</summary>
    private bool IsOwn(string name) => name == Dial.Auto
        || name.StartsWith(Dial.Auto + ":", StringComparison.Ordinal)
        || settings.Gateway.RouterNames.Prepend(Shipped).Any(r => name.StartsWith($"{Prefix}{r}-", StringComparison.Ordinal));

    private Asked? Own(string model, ModelCatalog catalog) => model switch
    {
        Dial.Auto => s_auto,
        Dial.Quality => _quality,
        Dial.Balanced => _balanced,
        Dial.Cheap => _cheap,
        _ when model.StartsWith(Prefix, StringComparison.Ordinal) && !CatalogModels.Has(catalog, model) => new(null, Rule(model, catalog), "router"),
        _ => null,
    };

    /// <summary>The model of a name that is not routed.</summary>
    /// <exception cref="ApiException">404: there is no such model that can chat.</exception>
    public ModelProfile Model(string name, ModelCatalog catalog) => settings.OnlyEmbeds(name, catalog)
        ? throw new ApiException(
            404, ErrorCodes.InvalidRequest, "model_not_found",
            $"The model '{name}' makes embeddings: it is served at /v1/embeddings only. Ask for auto, or for another model (GET /v1/models).",
            "model")
        : CatalogModels.Has(catalog, name) ? CatalogModels.Find(catalog, name, "model")
        : throw CatalogModels.NotFound(name, catalog.Models, "model", $" Of a client that can send no other, {Setting} can give the name a meaning.");

    /// <exception cref="ApiException">404: it names neither a model nor a way of routing; else as <see cref="Read"/>.</exception>
    public void CheckKnown(string model, ModelCatalog catalog)
    {
        if (Read(model, catalog) is null)
        {
            Model(model, catalog);
        }
    }

    private DeferralRule Rule(string model, ModelCatalog catalog)
    {
        var shown = model.Length <= ModelId.MaxLength ? model : model[..ModelId.MaxLength] + "...";
        var dash = model.LastIndexOf('-');
        var (name, number) = dash < Prefix.Length ? (model[Prefix.Length..], "") : (model[Prefix.Length..dash], model[(dash + 1)..]);
        if (name != Shipped && !settings.Gateway.RouterNames.Contains(name))
        {
            throw new ApiException(
                404, ErrorCodes.InvalidRequest, "model_not_found",
                $"The model '{shown}' asks for the router '{name}', and this gateway has {string.Join(", ", settings.Gateway.RouterNames.Prepend(Shipped))}. "
                    + $"A threshold is held against {Shipped}'s score here, whatever the name, so one that was found for another router sends another share to the strong model: "
                    + $"find yours with 'metarouter calibrate --strong-share', and use the name it prints. Gateway:RouterNames lets '{name}' stand for {Shipped}, where clients cannot change the name.",
                "model");
        }

        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var threshold) || !(threshold is >= 0 and <= 1))
        {
            throw ApiException.BadValue(
                "model",
                $"The model '{shown}' has the threshold '{number}'; it must be a number from 0 (always the strong model) to 1, "
                    + $"such as {Prefix}{name}-0.5. 'metarouter calibrate --strong-share' finds the one for a share of strong calls.");
        }

        return settings.PairOf(catalog) is var (strong, weak) ? new DeferralRule(strong, weak, threshold)
            : throw ApiException.BadValue(
                "model",
                $"The model '{shown}' chooses between a strong and a weak model, but the catalog does not have the two: Gateway:StrongModel is '{settings.Gateway.StrongModel}', "
                    + $"Gateway:WeakModel is '{settings.Gateway.WeakModel}' (where empty, the dearest and the cheapest), "
                    + $"and the models are {string.Join(", ", catalog.Models.Select(m => m.Id))}. Set the two, or ask for auto.");
    }
}
