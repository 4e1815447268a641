using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Gateway.Chat;

/// <summary>
/// <c>POST /v1/embeddings</c>: passed on to the named model's upstream. Nothing is routed: vectors of two models cannot be compared. The tenant's rules and
/// budgets apply all the same.
/// </summary>
internal sealed class EmbeddingsEndpoint(Upstreams upstreams, RateLimits rates, ModelAccess access, Budgets budgets, GatewaySettings settings, GatewayMetrics metrics) : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/embeddings", EmbedAsync).WithMetadata(NeedsScope.Inference);

    private async Task EmbedAsync(HttpContext context)
    {
        var controls = ChatControls.Read(context.Request.Headers);
        var bytes = await RequestBody.ReadChatAsync(context, settings.Gateway).ConfigureAwait(false);
        var (model, user, tokens) = RequestBody.AsText(() => Read(bytes));
        if (!settings.Embedders.TryGetValue(model, out var upstream))
        {
            var shown = model.Length <= ModelId.MaxLength ? model : model[..ModelId.MaxLength] + "...";
            var remedy = settings.Embedders.Count == 0
                ? $"None is configured: add an entry with \"Embeddings\": true to section {UpstreamOptions.Section}."
                : $"Use one of {string.Join(", ", settings.Embedders.Keys)}.";
            throw new ApiException(404, ErrorCodes.InvalidRequest, "model_not_found", $"No embedding model is called '{shown}'. {remedy}", "model");
        }

        var (tenant, id) = (Edge.TenantOf(context), new ModelId(model));
        if (!access.Allows(tenant, controls.Category, id))
        {
            throw new ApiException(
                403, ErrorCodes.InvalidRequest, "model_not_allowed",
                $"The model '{model}' may not answer this request: the tenant's rules or the request's category leave it out. Name another, or have it allowed.",
                "model");
        }

        user = UserId.For(context, user, "user");
        await rates.AdmitUserAsync(context, tenant, user).ConfigureAwait(false);
        var expected = Cost(tokens, upstream, "counted");
        if (expected.Usd > controls.MaxCostUsd)
        {
            throw new ApiException(
                422, ErrorCodes.InvalidRequest, "no_model_allowed",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The embeddings of '{model}' would cost ${expected.Usd:0.############}, over the limit of ${controls.MaxCostUsd:0.############} "
                        + $"({ChatControls.MaxCostHeader}). Raise it, or send fewer texts at a time."),
                ChatControls.MaxCostHeader);
        }

        var (hold, shortage) = await budgets.ReserveAsync(tenant, user, expected.Usd, context.RequestAborted).ConfigureAwait(false);
        if (shortage is { } missing)
        {
            throw budgets.OverBudget(tenant, expected.Usd, missing);
        }

        var (spent, settling) = (0.0, default(Task));
        try
        {
            using var answer = await upstreams.SendAsync(
                new UpstreamRequest(new UpstreamBody(UpstreamApi.Embeddings, bytes, JsonSplice.Find(bytes, "model"u8).Value, Streams: false)) { Tenant = tenant }, AsyncEnumerable.Repeat(id, 1),
                _ => Pay(expected), context.RequestAborted).ConfigureAwait(false);
            context.Response.StatusCode = answer.Status;
            context.Response.Headers["x-router-model"] = model;
            context.Response.Headers.RetryAfter = answer.Headers?.RetryAfter?.ToString();
            if (answer.Status == StatusCodes.Status200OK)
            {
                var cost = answer.Part.Usage.IsUnknown ? expected : Cost(answer.Part.Usage.Prompt, upstream, "usage");
                ChatHeaders.Price(context, cost);
                Pay(cost);
                metrics.StrongestCostUsd.Add(cost.Usd); // no other model's vector would serve instead
            }

            settling = budgets.SettleAsync(hold, spent);
            await Budgets.WaitBrieflyAsync(settling).ConfigureAwait(false);
            await Answers.WriteJsonAsync(context, answer.Status == StatusCodes.Status200OK ? JsonSplice.Set(answer.Body, "model", model) : answer.Body).ConfigureAwait(false);
        }
        catch (CallerLeftException)
        {
            Pay(expected);
            metrics.StrongestCostUsd.Add(expected.Usd);
            throw;
        }
        finally
        {
            await (settling ?? budgets.SettleAsync(hold, spent)).ConfigureAwait(false);
        }

        void Pay(in Spending cost)
        {
            spent += cost.Usd;
            metrics.CostUsd.Add(cost.Usd, new(LabelNames.Model, model), new(LabelNames.Source, cost.Source));
        }
    }

    /// <param name="source">As <see cref="Spending"/> has it.</param>
    private static Spending Cost(long tokens, UpstreamOptions upstream, string source) => new(new TokenUsage(tokens, 0, 0), tokens * upstream.EmbeddingPrice * 1e-6, source);

    /// <returns>Who is asked, for whom, and about how many tokens there are.</returns>
    private static (string Model, string? User, long Tokens) Read(byte[] body)
    {
        using var document = RequestBody.ParseObject(body);
        var root = document.RootElement;
        OperatorsFields.Refuse(root);
        if (!root.TryGetProperty("model", out var model))
        {
            throw ApiException.Missing("model", "the id of an embedding model");
        }

        if (!root.TryGetProperty("input", out var input))
        {
            throw ApiException.Missing("input", "a text or a list of texts");
        }

        return (
            Text("model", model),
            root.TryGetProperty("user", out var user) && user.ValueKind != JsonValueKind.Null ? UserId.Check(Text("user", user), "user") : null,
            JsonMarshal.GetRawUtf8Value(input).Length / Conversation.BytesPerToken);

        static string Text(string name, JsonElement value) => value.ValueKind == JsonValueKind.String ? Fields.Text(name, value) : throw Fields.Wrong(name, value, "a string");
    }
}
