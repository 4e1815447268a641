using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Router;

/// <summary><c>POST /v1/router/feedback</c>: what a user said of a decision. It is answered once it is kept.</summary>
internal sealed class FeedbackEndpoint(
    IEdgeRouter router,
    PoolHolder pool,
    RoutingPolicy policy,
    RouterSecrets secrets,
    ConsoleRecorder recorder,
    OneSidedThumbs thumbs,
    TimeProvider time,
    GatewaySettings settings) : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/router/feedback", FeedbackAsync).WithMetadata(NeedsScope.Feedback);

    private async Task FeedbackAsync(HttpContext context)
    {
        var bytes = await RequestBody.ReadRouterAsync(context, settings.Gateway).ConfigureAwait(false);
        var body = FeedbackBody.Read(bytes, context, time.GetUtcNow());
        var tenant = Edge.TenantOf(context);
        var feedback = body.Feedback.Kind == FeedbackKind.Comparison ? Resolve(tenant, body) : body.Feedback;
        var result = await router.LearnAsync(tenant, body.User, feedback, context.RequestAborted).ConfigureAwait(false);
        recorder.FeedbackGiven(tenant, body.User, feedback, result);
        if (!result.Receipt.IsValid)
        {
            throw Refused(result.Receipt);
        }

        if (result.IsErased)
        {
            throw new ApiException(
                410, ErrorCodes.InvalidRequest, "user_erased",
                "The user was erased after this decision, so nothing about it may be learned any more. Feedback on decisions taken since is welcome.",
                "receipt");
        }

        if (result.Outcome == AddOutcome.Counted)
        {
            thumbs.Add(tenant, feedback);
        }

        await Answers.WriteAsync(
            context,
            new FeedbackAnswer(result.Counted, ApiNames.Of(result.Outcome!.Value), BeliefAnswers.Preference(result.User!.Pool, result.User.Belief))).ConfigureAwait(false);
    }

    /// <summary>Which side a comparison's named model was on; a decision that offered one answer cannot be compared.</summary>
    private Feedback Resolve(string tenant, in FeedbackBody body)
    {
        var verdict = policy.Sealer.Open(body.Feedback.Receipt, secrets.HashOf(tenant), secrets.HashOf(tenant, body.User), time.GetUtcNow().ToUnixTimeMilliseconds(), out var receipt);
        if (!verdict.IsValid)
        {
            return body.Feedback; // a bad receipt is refused later, where all receipts are checked
        }

        if (!receipt.IsComparison)
        {
            throw new ApiException(
                400, ErrorCodes.InvalidRequest, "not_a_comparison",
                "The kind is 'comparison', but this decision offered only one answer. Send a thumb, or set 'compare' to true when routing.",
                "kind");
        }

        if (body.PreferredModel is not { } preferred)
        {
            return body.Feedback;
        }

        var isChosen = preferred switch
        {
            FeedbackBody.Cheaper => receipt.First.CostUsd <= receipt.Offered.CostUsd,
            FeedbackBody.Dearer => receipt.First.CostUsd > receipt.Offered.CostUsd,
            _ => HashOf(preferred) is var hash && hash == receipt.ChosenModel ? true : hash == receipt.OfferedModel ? false : throw NotShown(preferred, receipt),
        };
        return body.Feedback with { Value = isChosen ? (byte)1 : (byte)0 };
    }

    private ApiException NotShown(string preferred, Receipt receipt) => ApiException.BadValue(
        "value",
        $"The preferred model is '{preferred[..Math.Min(preferred.Length, ModelId.MaxLength)]}', but this decision compared "
            + $"{NameOf(receipt.ChosenModel)} (\"chosen\") with {NameOf(receipt.OfferedModel)} (\"offered\"); name one of the two.");

    private string NameOf(uint hash) => pool.Current.Catalog.Models.Where(m => Receipt.HashOf(m.Id) == hash).Select(m => m.Id.Value).FirstOrDefault("a model no longer listed");

    private static uint HashOf(string model) => CatalogModels.IsName(model) ? Receipt.HashOf(new ModelId(model)) : 0;

    /// <summary>As every endpoint that takes a receipt refuses one.</summary>
    internal static ApiException Refused(ReceiptVerdict verdict) => verdict.Status switch
    {
        ReceiptStatus.Foreign => new(403, ErrorCodes.InvalidRequest, "receipt_foreign", verdict.Message, "receipt"),
        ReceiptStatus.Expired or ReceiptStatus.UnknownKey => new(410, ErrorCodes.InvalidRequest, "receipt_expired", verdict.Message, "receipt"),
        ReceiptStatus.Forged => new(400, ErrorCodes.InvalidRequest, "receipt_forged", verdict.Message, "receipt"),
        _ => new(400, ErrorCodes.InvalidRequest, "receipt_malformed", verdict.Message, "receipt"),
    };
}
