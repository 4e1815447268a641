using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>What the console shows of one user: by the client's id, or by a pseudonym shown with a decision.</summary>
internal sealed class UserPages(IEdgeRouter router, IUserStore store, ConsoleRecorder recorder, ConsoleRows rows, ConsoleNames names, PoolHolder pool, RouterSecrets secrets) : IEndpoints
{
    private const string Users = ConsoleEndpoints.Root + "/users/";
    private static readonly System.Buffers.SearchValues<char> s_hexadecimal = System.Buffers.SearchValues.Create("0123456789abcdef");
    private const int Decisions = 50, NewcomerUsers = 100, NewcomerPoints = 20;

    public void Map(IEndpointRouteBuilder routes) => routes.MapRead(Users + "{id}", UserAsync).WithMetadata(NeedsScope.Read);

    /// <summary>How fast the users of the last decisions became known. Null: users are kept elsewhere, or none has given feedback.</summary>
    public async Task<NewcomerView[]?> NewcomersAsync(string tenant, CancellationToken cancellationToken)
    {
        if (router is not InProcessRouter)
        {
            return null;
        }

        var (to, users) = (recorder.Of(tenant), new List<UserModel>());
        foreach (var hash in recorder.Journal.NewestFirst(to.Number)
            .Select(e => e.Record.User)
            .Where(u => u != 0)
            .Distinct()
            .Take(NewcomerUsers)
            .ToList()) // at once: the store is not read while the journal is walked
        {
            if (await LoadAsync(to, hash, cancellationToken).ConfigureAwait(false) is { } user && !user.State.IsEmpty)
            {
                users.Add(user);
            }
        }

        return users.Count == 0 ? null : [.. NewcomerCurve.Of(users, NewcomerPoints).Select((p, i) => new NewcomerView(i + 1, p.Regret, p.Users))];
    }

    public static MassView[] Density(ReadOnlySpan<float> marginal)
    {
        var density = new MassView[marginal.Length];
        for (var i = 0; i < density.Length; i++)
        {
            density[i] = new(PreferenceGrid.Lambda[i], marginal[i]);
        }

        return density;
    }

    private async Task UserAsync(HttpContext context)
    {
        var (tenant, id) = (Edge.TenantOf(context), UserEndpoints.IdOf(context, before: Users));
        var to = recorder.Of(tenant);
        var hash = IsPseudonym(id) ? Find(to, id[1..]) : secrets.HashOf(tenant, id);
        var user = IsPseudonym(id) ? await LoadAsync(to, hash, context.RequestAborted).ConfigureAwait(false) : await router.GetUserAsync(tenant, id, context.RequestAborted).ConfigureAwait(false);
        var (models, latest) = (new Dictionary<(long, uint), (string Served, string? Offered)>(), new List<RowView>());
        foreach (var entry in recorder.Journal.NewestFirst(to.Number))
        {
            ref readonly var r = ref entry.Record;
            if (r.User != hash)
            {
                continue;
            }

            models.TryAdd((r.TimeMs, r.Nonce), (recorder.ModelNumbers[r.Served < 0 ? r.Model : r.Served], r.Offered < 0 ? null : recorder.ModelNumbers[entry.Candidates[r.Offered].Model]));
            if (latest.Count < Decisions)
            {
                latest.Add(rows.Row(entry));
            }
        }

        var belief = user.Belief;
        var history = BeliefStep.Of(user).Select(s => new StepView(
            ConsoleRows.Time(s.Signal.ClientTimeMs), ApiNames.Of(s.Signal.Key.Kind), ConsoleNames.Of(s.Signal.Key.Kind, s.Signal.Value, s.Signal.Withdrawn),
            About(s.Signal), s.After.GeometricMean, s.After.Quantile(0.05), s.After.Quantile(0.95), s.Explain()));
        await ConsoleEndpoints.WriteAsync(
            context,
            new UserView(
                ConsoleNames.Pseudonym(hash)!, names.NameOf(hash) ?? (IsPseudonym(id) ? null : id),
                Explanation.Of(user.Pool, belief), belief.Signals, belief.GeometricMean, belief.Quantile(0.05), belief.Quantile(0.95),
                user.ActingLambda, Density(belief.Marginal), Density(pool.Newcomer.Belief.Marginal), Topics(user.Pool, belief),
                [.. history], [.. latest], ApiNames.Snapshot(user.Pool.Snapshot.Version), user.Pool.ReportedScaleUsd)).ConfigureAwait(false);

        // Of two answers, the model of the preferred one.
        string? About(in Signal signal)
        {
            var (served, offered) = models.GetValueOrDefault((signal.Key.DecisionTimeMs, signal.Key.Nonce));
            return signal is { Key.Kind: FeedbackKind.Comparison, Value: 0, Withdrawn: false } ? offered : served;
        }
    }

    /// <summary>An offset above 0 wants more quality. Null: no feedback was about a topic.</summary>
    private static TopicView[]? Topics(RoutingPool pool, PreferenceBelief belief)
    {
        TopicView[] topics = [.. pool.TopicsOf(belief).OrderBy(t => t.Belief.Offset.Mean).Select(t => new TopicView(t.Topic.Label, -t.Belief.Offset.Mean, t.Belief.Offset.Deviation))];
        return topics.Length == 0 ? null : topics;
    }

    /// <summary>As <see cref="ConsoleNames.Pseudonym"/> makes them; other ids that begin with a tilde are ordinary ids.</summary>
    private static bool IsPseudonym(string id) => id.Length == 11 && id[0] == '~' && id.AsSpan(1).IndexOfAnyExcept(s_hexadecimal) < 0;

    private ulong Find(TenantTraffic to, string pseudonym) =>
        recorder.Journal.NewestFirst(to.Number).Select(e => e.Record.User).FirstOrDefault(u => ConsoleNames.Pseudonym(u) == pseudonym) is not 0 and var user ? user
        : throw new ApiException(
            404, ErrorCodes.InvalidRequest, "unknown_user",
            $"No decision that this gateway keeps was for a user '~{pseudonym}'. Take a user from GET {ConsoleEndpoints.Root}/users, or the id that the client names.",
            "id");

    /// <summary>By hash, from the store itself.</summary>
    private async Task<UserModel> LoadAsync(TenantTraffic to, ulong hash, CancellationToken cancellationToken)
    {
        if (router is not InProcessRouter)
        {
            throw new ApiException(
                501, ErrorCodes.InvalidRequest, "not_on_cluster",
                "On a cluster a user's record is its grain's, which is found by the id only. Use the id that the client names instead of a pseudonym.",
                "id");
        }

        var record = await store.LoadAsync(new UserKey(to.Hash, hash), cancellationToken).ConfigureAwait(false);
        return record.State.Length > 0 && UserState.TryRead(record.State, out var state, out _) ? new UserModel(pool.Current, state) : pool.Newcomer;
    }
}
