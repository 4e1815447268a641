using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Router;

internal static class CatalogModels
{
    private const int MostListed = 20;

    /// <summary>Whether a model could have this name.</summary>
    public static bool IsName(string id) => id.Length is > 0 and <= ModelId.MaxLength && !id.AsSpan().ContainsAnyExceptInRange('!', '~');

    /// <summary>Whether a model is asked for by this name.</summary>
    public static bool Has(ModelCatalog catalog, string name) => IsName(name) && catalog.TryFindNamed(new ModelId(name), out _);

    /// <exception cref="ApiException">404: the catalog has no such model.</exception>
    public static ModelProfile Find(ModelCatalog catalog, string name, string param) =>
        IsName(name) && catalog.TryFindNamed(new ModelId(name), out var index) ? catalog.Models[index] : throw NotFound(name, catalog.Models, param);

    /// <param name="models">The existing models, listed in the message.</param>
    /// <param name="further">What else could be done, after a space; empty: nothing.</param>
    public static ApiException NotFound(string id, IReadOnlyList<ModelProfile> models, string param, string further = "")
    {
        var shown = id.Length <= ModelId.MaxLength ? id : id[..ModelId.MaxLength] + "...";
        var others = string.Join(", ", models.Take(MostListed).Select(m => m.Id)) + (models.Count > MostListed ? $" and {models.Count - MostListed} more" : "");
        return new ApiException(
            404, ErrorCodes.InvalidRequest, "model_not_found",
            $"The model '{shown}' does not exist here. Use auto, auto:quality, auto:balanced, auto:cheap, or one of {others} (GET /v1/models).{further}",
            param);
    }
}
