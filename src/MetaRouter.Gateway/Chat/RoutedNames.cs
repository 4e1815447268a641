using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;

namespace MetaRouter.Gateway.Chat;

/// <summary>
/// The names under which a request is routed: <c>auto</c>, <c>auto:quality</c> and so on, and RouteLLM's <c>router-NAME-THRESHOLD</c>, which allows only the strong model
/// and the weak one, and chooses the strong one where its chance of the better answer reaches the threshold.
/// </summary>
internal sealed class RoutedNames(GatewaySettings settings)
{
    /// <summary>The name that <c>metarouter calibrate</c> gives the shipped router.</summary>
    public const string Shipped = "metarouter";

    private const string Prefix = "router-";

    /// <summary>What a routed name asks for.</summary>
    /// <param name="LambdaCost">Its place on the dial; null: the user's own.</param>
    /// <param name="Deferral">Two models and a threshold; null: all models.</param>
    internal sealed record Asked(double? LambdaCost, DeferralRule? Deferral);

    private static readonly Asked s_auto = new(null, null);

    private readonly Asked
        _quality = new(settings.Gateway.QualityLambda, null), _balanced = new(settings.Gateway.BalancedLambda, null), _cheap = new(settings.Gateway.CheapLambda, null);

    /// <summary>A routed name, for the list of models.</summary>
    internal sealed record Described(string Name, double? LambdaCost, string Description);

    /// <summary>The names for a list of models; the middle threshold stands for all.</summary>
    public IEnumerable<Described> Listed(ModelCatalog catalog)
    {
        yield return new(Dial.Auto, null, "routed by what was learned of the user");
        yield return new(Dial.Quality, settings.Gateway.QualityLambda, "routed for quality");
        yield return new(Dial.Balanced, settings.Gateway.BalancedLambda, "routed for both");
        yield return new(Dial.Cheap, settings.Gateway.CheapLambda, "routed for cost");
        if (settings.PairOf(catalog) is var (strong, weak))
        {
            yield return new($"{Prefix}{Shipped}-0.5", null, $"{strong} where its chance of the better answer is at least 0.5, or any other threshold from 0 to 1 in its place; else {weak}");
        }
    }

    /// <summary>A listed name, or one with another threshold. Null: it is not a routed name.</summary>
    /// <exception cref="ApiException">As <see cref="Read"/>.</exception>
    public Described? Find(string name, ModelCatalog catalog) =>
        Listed(catalog).FirstOrDefault(n => n.Name == name)
        ?? (Read(name, catalog)?.Deferral is { } rule
            ? new(name, null, string.Create(CultureInfo.InvariantCulture, $"{rule.Strong} where its chance of the better answer is at least {rule.Threshold}; else {rule.Weak}"))
            : null);

    /// <returns>Null: it is not a routed name, so it names a model.</returns>
    /// <exception cref="ApiException">400: it has RouteLLM's form but is malformed; 404: it names a router that is not served.</exception>
    public Asked? Read(string model, ModelCatalog catalog) => model switch
    {
        Dial.Auto => s_auto,
        Dial.Quality => _quality,
        Dial.Balanced => _balanced,
        Dial.Cheap => _cheap,
        _ when model.StartsWith(Prefix, StringComparison.Ordinal) && !CatalogModels.Has(catalog, model) => new(null, Rule(model, catalog)),
        _ => null,
    };

    /// <summary>The model of a name that is not routed.</summary>
    /// <exception cref="ApiException">404: there is no such model that can chat.</exception>
    public ModelProfile Model(string name, ModelCatalog catalog) => settings.OnlyEmbeds(name, catalog)
        ? throw new ApiException(
            404, ErrorCodes.InvalidRequest, "model_not_found",
            $"The model '{name}' makes embeddings: it is served at /v1/embeddings only. Ask for auto, or for another model (GET /v1/models).",
            "model")
        : CatalogModels.Find(catalog, name, "model");

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
