using System.Globalization;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary><c>POST /v1/embeddings</c>: handed on to the named model's upstream. Nothing is routed: vectors of two models cannot be compared.</summary>
internal sealed class EmbeddingsEndpoint(Upstreams upstreams, GatewaySettings settings)
{
    private readonly Dictionary<string, UpstreamOptions> _models = settings.Upstreams.Where(u => u.Embeddings).GroupBy(u => u.Model).ToDictionary(g => g.Key, g => g.First());

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/embeddings", EmbedAsync).WithMetadata(new NeedsScope(Scope.Inference, "inference"));

    private async Task EmbedAsync(HttpContext context)
    {
        var bytes = await RequestBody.ReadAsync(context, settings.Gateway.ChatBodyBytes, "Gateway:ChatBodyBytes").ConfigureAwait(false);
        var model = RequestBody.AsText(() => ModelOf(bytes));
        if (!_models.TryGetValue(model, out var upstream))
        {
            throw new ApiException(
                404, ErrorCodes.InvalidRequest, "model_not_found",
                $"No embedding model is called '{(model.Length <= ModelId.MaxLength ? model : model[..ModelId.MaxLength] + "...")}'. {(_models.Count == 0 ? $"None is configured: add an entry with \"Embeddings\": true to section {UpstreamOptions.Section}." : $"Use one of {string.Join(", ", _models.Keys)}.")}", "model");
        }

        using var answer = await upstreams.SendAsync("/embeddings", [new ModelId(model)], new UpstreamBody(bytes, JsonSplice.Find(bytes, "model"u8).Value, Streams: false), context.RequestAborted).ConfigureAwait(false);
        context.Response.StatusCode = answer.Status;
        context.Response.Headers["x-router-model"] = model;
        context.Response.Headers.RetryAfter = answer.Headers?.RetryAfter?.ToString();
        if (answer.Status == StatusCodes.Status200OK)
        {
            context.Response.Headers["x-router-cost-usd"] = (answer.Part.Usage.Prompt * upstream.EmbeddingPrice * 1e-6).ToString("0.##########", CultureInfo.InvariantCulture);
        }

        await Answers.WriteJsonAsync(context, answer.Status == StatusCodes.Status200OK ? JsonSplice.Set(answer.Body, "model", model) : answer.Body).ConfigureAwait(false);
    }

    private static string ModelOf(byte[] body)
    {
        using var document = RequestBody.ParseObject(body);
        var root = document.RootElement;
        return !root.TryGetProperty("model", out var model) ? throw new ApiException(400, ErrorCodes.InvalidRequest, "missing_field", "'model' is missing; send the id of an embedding model.", "model")
            : !root.TryGetProperty("input", out _) ? throw new ApiException(400, ErrorCodes.InvalidRequest, "missing_field", "'input' is missing; send a text or a list of texts.", "input")
            : model.ValueKind == JsonValueKind.String ? Fields.Text("model", model) : throw Fields.Wrong("model", model, "a string");
    }
}
