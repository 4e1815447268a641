using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Router;

/// <summary>The body of <c>POST /v1/router/route</c>.</summary>
internal readonly record struct RouteBody(string? User, RouteRequest Request)
{
    private static readonly string[] Known = ["user", "input", "messages", "lambda_cost", "lambda_latency", "compare", "models", "max_cost_usd"];

    /// <exception cref="ApiException">400: a field is missing, unknown or wrong; 403: the key stands for another user; 404: a model is not in the catalog.</exception>
    public static RouteBody Read(byte[] body, HttpContext context, ModelCatalog catalog) => RequestBody.AsText(() => ReadFields(body, context, catalog));

    private static RouteBody ReadFields(byte[] body, HttpContext context, ModelCatalog catalog)
    {
        using var document = RequestBody.ParseObject(body);
        var fields = new Fields(document.RootElement, Known);
        var (input, messages) = (fields.Text("input"), fields.Find("messages"));
        if (input is null == messages is null)
        {
            throw input is null
                ? new ApiException(400, ErrorCodes.InvalidRequest, "missing_field", "There is nothing to route: send 'input' (a text) or 'messages' (OpenAI's form).", "input")
                : ApiException.BadValue("input", "Both 'input' and 'messages' are there; send one of the two.");
        }

        var asked = messages is { } list ? ConversationBody.Read(list) : new Conversation(input!, null, ModelCapabilities.None);
        return new(UserId.Of(fields, context), new RouteRequest(asked.Text)
        {
            PromptTokens = asked.PromptTokens,
            LambdaCost = fields.Amount("lambda_cost"),
            LambdaLatency = fields.Amount("lambda_latency"),
            MayCompare = fields.Flag("compare"),
            Needs = new RouteNeeds { Capabilities = asked.Needs, MaxCostUsd = fields.Amount("max_cost_usd"), AllowedModels = fields.Find("models") is { } models ? Models(models, catalog) : null },
        });
    }

    private static HashSet<ModelId> Models(JsonElement models, ModelCatalog catalog)
    {
        if (models.ValueKind != JsonValueKind.Array || models.GetArrayLength() == 0)
        {
            throw Fields.Wrong("models", models, "a list of at least one model id; leave it out to allow all");
        }

        var ids = new HashSet<ModelId>();
        foreach (var one in models.EnumerateArray())
        {
            ids.Add(one.ValueKind == JsonValueKind.String
                ? CatalogModels.Find(catalog, Fields.Text("models", one), "models").Id
                : throw Fields.Wrong("models", one, "a list of model ids, each a string"));
        }

        return ids;
    }
}
