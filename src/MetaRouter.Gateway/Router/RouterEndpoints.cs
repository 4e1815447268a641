using MetaRouter.Core.Catalog;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Router;

/// <summary>Decisions, feedback on them, and what was learned: everything but the models' answers.</summary>
internal sealed class RouterEndpoints(IEdgeRouter router, PoolHolder pool, RoutingPolicy policy, RouterSecrets secrets, TimeProvider time, Deeds deeds, Limits.Governor governor, Upstream.Upstreams upstreams, WebConsole.Watch watch, GatewaySettings settings)
{
    internal const string Users = "/v1/router/users/";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/router/route", RouteAsync).WithMetadata(NeedsScope.Inference);
        routes.MapPost("/v1/router/feedback", FeedbackAsync).WithMetadata(NeedsScope.Feedback);
        routes.MapRead(Users + "{id}", UserAsync).WithMetadata(NeedsScope.Read);
        routes.MapDelete(Users + "{id}", EraseAsync).WithMetadata(NeedsScope.Admin);
    }

    private async Task RouteAsync(HttpContext context)
    {
        var bytes = await RequestBody.ReadRouterAsync(context, settings.Gateway).ConfigureAwait(false);
        var body = RouteBody.Read(bytes, context.Request.Headers[ChatControls.UserHeader], pool.Current.Catalog);
        var tenant = Edge.CallerOf(context).Tenant;
        var request = Narrowed(body.Request, context, tenant);
        await governor.AdmitUserAsync(context, tenant, body.User).ConfigureAwait(false);
        var decision = body.User is { } user
            ? await router.RouteAsync(tenant, user, request, context.RequestAborted).ConfigureAwait(false)
            : await router.RouteAnonymousAsync(tenant, request, context.RequestAborted).ConfigureAwait(false);
        watch.Decided(tenant, decision);
        await Answers.WriteAsync(context, Answer(decision)).ConfigureAwait(false);
    }

    /// <summary>The request with what its tenant and category leave of the models, and without those that are failing.</summary>
    internal RouteRequest Narrowed(RouteRequest request, HttpContext context, string tenant)
    {
        var category = context.Request.Headers[Limits.Governor.CategoryHeader].ToString();
        var catalog = pool.Current.Catalog;
        var (allowed, unhealthy, usedUp, own) = (governor.Allowed(catalog, tenant, category.Length == 0 ? null : category), upstreams.Unhealthy(catalog), governor.UsedUp(tenant), request.Needs.AllowedModels);
        return allowed is null && unhealthy is null && usedUp is null ? request
            : request with { Needs = request.Needs with { UnhealthyModels = unhealthy, UsedUpModels = usedUp, AllowedModels = allowed is null ? own : own is null ? allowed : allowed.Where(own.Contains).ToHashSet() } };
    }

    private async Task FeedbackAsync(HttpContext context)
    {
        var bytes = await RequestBody.ReadRouterAsync(context, settings.Gateway).ConfigureAwait(false);
        var body = FeedbackBody.Read(bytes, context.Request.Headers[ChatControls.UserHeader], time.GetUtcNow());
        var tenant = Edge.CallerOf(context).Tenant;
        var feedback = body.Feedback.Kind == FeedbackKind.Comparison ? Resolve(tenant, body) : body.Feedback;
        var result = await router.LearnAsync(tenant, body.User, feedback, context.RequestAborted).ConfigureAwait(false);
        watch.Heard(tenant, body.User, feedback, result);
        if (!result.Receipt.IsValid)
        {
            throw Refused(result.Receipt);
        }

        if (result.IsErased)
        {
            throw new ApiException(410, ErrorCodes.InvalidRequest, "user_erased", "The user was erased after this decision, so nothing about it may be learned any more. Feedback on decisions taken since is welcome.", "receipt");
        }

        await Answers.WriteAsync(context, new FeedbackAnswer(result.Counted, Names.Of(result.Outcome!.Value), Preference(result.User!.Pool, result.User.Belief))).ConfigureAwait(false);
    }

    private async Task UserAsync(HttpContext context)
    {
        var id = IdOf(context);
        var user = await router.GetUserAsync(Edge.CallerOf(context).Tenant, id, context.RequestAborted).ConfigureAwait(false);
        var kinds = new Dictionary<string, int>();
        foreach (var signal in user.State.Signals)
        {
            var name = signal.Withdrawn ? "withdrawn" : Names.Of(signal.Key.Kind);
            kinds[name] = kinds.GetValueOrDefault(name) + 1;
        }

        var belief = user.Belief;
        var marginal = new MarginalPoint[PreferenceGrid.Length];
        for (var i = 0; i < marginal.Length; i++)
        {
            marginal[i] = new(Rounded(PreferenceGrid.Lambda[i]), belief.Marginal[i]);
        }

        var preference = Preference(user.Pool, belief);
        await Answers.WriteAsync(
            context,
            new UserAnswer(id, preference.Explanation, preference.Signals, kinds, preference.LambdaCost, Rounded(user.ActingLambda), marginal, Topics(user.Pool, belief), Latency(belief.Latency), Names.Snapshot(user.Pool.Snapshot.Version))).ConfigureAwait(false);
    }

    private async Task EraseAsync(HttpContext context)
    {
        var (tenant, id) = (Edge.CallerOf(context).Tenant, IdOf(context));
        await router.EraseAsync(tenant, id, context.RequestAborted).ConfigureAwait(false);
        watch.Forget(tenant, id);
        await Answers.WriteAsync(context, new ErasedAnswer(true, id, Names.Time(time.GetUtcNow()), deeds.Certify(Deeds.Erased, tenant, id, time.GetUtcNow()))).ConfigureAwait(false);
    }

    /// <param name="after">What follows the id in the path.</param>
    /// <param name="before">What goes before it.</param>
    internal static string IdOf(HttpContext context, string after = "", string before = Users) =>
        UserId.Check(PathName.Of(context, before, after), "id") ?? throw ApiException.BadValue("id", "The user id is empty.");

    /// <summary>Which side a comparison's named model was on; a decision that offered one answer cannot be compared.</summary>
    private Feedback Resolve(string tenant, in FeedbackBody body)
    {
        var verdict = policy.Sealer.Open(body.Feedback.Receipt, secrets.HashOf(tenant), secrets.HashOf(tenant, body.User), time.GetUtcNow().ToUnixTimeMilliseconds(), out var receipt);
        if (!verdict.IsValid)
        {
            return body.Feedback; // refused where every receipt is
        }

        if (!receipt.IsComparison)
        {
            throw new ApiException(400, ErrorCodes.InvalidRequest, "not_a_comparison", "The kind is 'comparison', and this decision offered one answer. Send a thumb, or set 'compare' to true when routing.", "kind");
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
        "value", $"The preferred model is '{preferred[..Math.Min(preferred.Length, ModelId.MaxLength)]}', and this decision compared {NameOf(receipt.ChosenModel)} (\"chosen\") with {NameOf(receipt.OfferedModel)} (\"offered\"); name one of the two.");

    private string NameOf(uint hash) => pool.Current.Catalog.Models.Where(m => Receipt.HashOf(m.Id) == hash).Select(m => m.Id.Value).FirstOrDefault("a model no longer listed");

    private static uint HashOf(string model) => CatalogModels.IsName(model) ? Receipt.HashOf(new ModelId(model)) : 0;

    private static ApiException Refused(ReceiptVerdict verdict) => verdict.Status switch
    {
        ReceiptStatus.Foreign => new(403, ErrorCodes.InvalidRequest, "receipt_foreign", verdict.Message, "receipt"),
        ReceiptStatus.Expired or ReceiptStatus.UnknownKey => new(410, ErrorCodes.InvalidRequest, "receipt_expired", verdict.Message, "receipt"),
        ReceiptStatus.Forged => new(400, ErrorCodes.InvalidRequest, "receipt_forged", verdict.Message, "receipt"),
        _ => new(400, ErrorCodes.InvalidRequest, "receipt_malformed", verdict.Message, "receipt"),
    };

    private static PreferenceAnswer Preference(RoutingPool of, PreferenceBelief belief) => new(Explanation.Of(of, belief), belief.Signals, Quantiles(belief.Quantile));

    private static LambdaQuantiles Quantiles(Func<double, double> at) => new(Rounded(at(0.05)), Rounded(at(0.25)), Rounded(at(0.5)), Rounded(at(0.75)), Rounded(at(0.95)));

    private static TopicAnswer[] Topics(RoutingPool of, PreferenceBelief belief) =>
        [.. of.TopicsOf(belief).Select(t => new TopicAnswer(t.Topic.Title, t.Topic.Words, Quantiles(t.Belief.Belief.Quantile), Rounded(t.Belief.Offset.Firmer), Rounded(t.Belief.Offset.Freer)))];

    internal static LatencyAnswer Latency(LatencyBelief latency) => new(Rounded(latency.Minds), Rounded(latency.Price), Quantiles(latency.Quantile), latency.Price > 0 ? Rounded(0.01 / latency.Price) : null);

    private static RouteAnswer Answer(RouteDecision decision)
    {
        var candidates = decision.Candidates;
        var ranking = new RankedAnswer[candidates.Count];
        for (var i = 0; i < ranking.Length; i++)
        {
            var one = candidates[i];
            var allowed = one.Exclusion == ModelExclusion.None;
            ranking[i] = new(one.Model.Value, one.Predicted.Quality, one.Predicted.CostUsd, one.Predicted.LatencySeconds > 0 ? one.Predicted.LatencySeconds : null, allowed ? one.Utility : null, one.Propensity, allowed ? null : Names.Of(one.Exclusion));
        }

        Array.Sort(ranking, static (a, b) => (b.Utility ?? float.NegativeInfinity).CompareTo(a.Utility ?? float.NegativeInfinity));
        return new(
            new SealedReceipt(decision), decision.Model.Value, decision.Offered?.Value, DecisionReasonNames.Of(decision.Reason), Explanation.Of(decision), (float)decision.Propensity,
            decision.Reason == DecisionReason.Explored, Rounded(decision.LambdaCost), Rounded(decision.LambdaLatency), Names.Snapshot(decision.SnapshotVersion), ranking);
    }

    /// <summary>Four significant digits: the rest is noise to a reader.</summary>
    private static double Rounded(double value)
    {
        if (value == 0 || !double.IsFinite(value))
        {
            return 0;
        }

        var scale = Math.Pow(10, 3 - Math.Floor(Math.Log10(Math.Abs(value))));
        return Math.Round(value * scale) / scale;
    }
}
