using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Router;

/// <summary><c>/v1/router/users/{id}</c>: what was learned of a user, and what the user may have done with it.</summary>
internal sealed class UserEndpoints(IEdgeRouter router, UserDataReceipts receipts, ConsoleRecorder recorder, TimeProvider time, GatewaySettings settings) : IEndpoints
{
    private const string Users = "/v1/router/users/", User = Users + "{id}";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapRead(User, UserAsync).WithMetadata(NeedsScope.Read);
        routes.MapDelete(User, EraseAsync).WithMetadata(NeedsScope.Admin);
        routes.MapRead(User + "/export", ExportAsync).WithMetadata(NeedsScope.Read);
        routes.MapPost(User + "/import", ImportAsync).WithMetadata(NeedsScope.Admin);
        routes.MapPost(User + "/reset", ResetAsync).WithMetadata(NeedsScope.Admin);
        routes.MapPost(User + "/verify", VerifyAsync).WithMetadata(NeedsScope.Read);
    }

    /// <param name="after">What follows the id in the path.</param>
    /// <param name="before">What goes before it.</param>
    public static string IdOf(HttpContext context, string after = "", string before = Users) =>
        UserId.Check(PathName.Of(context, before, after), "id") ?? throw ApiException.BadValue("id", "The user id is empty.");

    private async Task UserAsync(HttpContext context)
    {
        var id = IdOf(context);
        var user = await router.GetUserAsync(Edge.TenantOf(context), id, context.RequestAborted).ConfigureAwait(false);
        var kinds = new Dictionary<string, int>();
        foreach (var signal in user.State.Signals)
        {
            var name = signal.Withdrawn ? "withdrawn" : ApiNames.Of(signal.Key.Kind);
            kinds[name] = kinds.GetValueOrDefault(name) + 1;
        }

        var belief = user.Belief;
        var marginal = new MarginalPoint[PreferenceGrid.Length];
        for (var i = 0; i < marginal.Length; i++)
        {
            marginal[i] = new(BeliefAnswers.Rounded(PreferenceGrid.Lambda[i]), belief.Marginal[i]);
        }

        var preference = BeliefAnswers.Preference(user.Pool, belief);
        var answer = new UserAnswer(
            id, preference.Explanation, preference.Signals, kinds, preference.LambdaCost, BeliefAnswers.Rounded(user.ActingLambda), marginal,
            BeliefAnswers.Topics(user.Pool, belief), BeliefAnswers.Latency(belief.Latency), ApiNames.Snapshot(user.Pool.Snapshot.Version));
        await Answers.WriteAsync(context, answer).ConfigureAwait(false);
    }

    private async Task EraseAsync(HttpContext context)
    {
        var (tenant, id) = (Edge.TenantOf(context), IdOf(context));
        await ForgetAsync(context, id).ConfigureAwait(false);
        await Answers.WriteAsync(context, new ErasedAnswer(true, id, ApiNames.Time(time.GetUtcNow()), receipts.Issue(UserDataReceipts.Erased, tenant, id, time.GetUtcNow()))).ConfigureAwait(false);
    }

    private async Task ExportAsync(HttpContext context)
    {
        var id = IdOf(context, "/export");
        var record = await router.ExportAsync(Edge.TenantOf(context), id, context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, new ExportAnswer(id, Convert.ToBase64String(record), UserState.Read(record).Count, Now())).ConfigureAwait(false);
    }

    private async Task ImportAsync(HttpContext context)
    {
        var id = IdOf(context, "/import");
        var record = await RequestBody.ReadTextAsync(context, settings.Gateway, "record", "what /export gave").ConfigureAwait(false);
        UserModel user;
        try
        {
            user = await router.ImportAsync(Edge.TenantOf(context), id, Convert.FromBase64String(record), context.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FormatException or UserStateException)
        {
            throw ApiException.BadValue("record", $"'record' cannot be taken: {e.Message} Send the text that /export gave, unchanged.");
        }

        await DoneAsync(context, UserDataReceipts.Imported, id, user.State.Count).ConfigureAwait(false);
    }

    private async Task ResetAsync(HttpContext context)
    {
        var id = IdOf(context, "/reset");
        await ForgetAsync(context, id).ConfigureAwait(false);
        await DoneAsync(context, UserDataReceipts.Reset, id, 0).ConfigureAwait(false);
    }

    private async Task VerifyAsync(HttpContext context)
    {
        var id = IdOf(context, "/verify");
        var receipt = await RequestBody.ReadTextAsync(context, settings.Gateway, "receipt", "what erase, reset or import gave").ConfigureAwait(false);
        var found = receipts.Verify(receipt, Edge.TenantOf(context), id);
        await Answers.WriteAsync(context, new VerifyAnswer(found is not null, found?.Change, found is var (_, at) ? ApiNames.Time(at) : null)).ConfigureAwait(false);
    }

    private async Task ForgetAsync(HttpContext context, string id)
    {
        await router.EraseAsync(Edge.TenantOf(context), id, context.RequestAborted).ConfigureAwait(false);
        recorder.Forget(Edge.TenantOf(context), id);
    }

    private Task DoneAsync(HttpContext context, string change, string id, int signals) =>
        Answers.WriteAsync(context, new UserChangeAnswer(change, id, signals, Now(), receipts.Issue(change, Edge.TenantOf(context), id, time.GetUtcNow())));

    private string Now() => ApiNames.Time(time.GetUtcNow());
}
