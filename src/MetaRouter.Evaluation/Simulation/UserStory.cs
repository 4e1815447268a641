using System.Security.Cryptography;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;

namespace MetaRouter.Evaluation.Simulation;

/// <summary>
/// The life of one user with the router, request by request, along the path that a host takes: decide, seal a receipt, hear what the user says,
/// open the receipt, learn. Only the user and the answers are made up: the user is simulated, the answers' scores and costs are the data file's.
/// </summary>
/// <remarks>
/// Comparisons are asked within <see cref="ComparisonBudget"/>. Where none is, the user gives a thumb on <see cref="ThumbShare"/> of the requests, up with probability
/// sigmoid(<see cref="ThumbSharpness"/> (u_served - median u)), u as <see cref="Utility"/> has it, by what the answers really scored and cost.
/// The same stage and options give the same report.
/// </remarks>
public static class UserStory
{
    /// <summary>The share of requests that the user gives a thumb on.</summary>
    public const double ThumbShare = 0.3;

    public const double ThumbSharpness = 10;

    private const string Tenant = "replay", User = "the user";

    // The story's own calendar, so that two runs seal the same bytes: 2026-01-01, a request every ten minutes, a word after twenty seconds.
    private const long Start = 1_767_225_600_000, BetweenRequestsMs = 600_000, ThinkingMs = 20_000;

    // Secrets of a host come from a random source and stay secret. These guard nothing.
    private static readonly byte[] IdentitySecret = SHA256.HashData("replay identity"u8), ReceiptSecret = SHA256.HashData("replay receipt"u8);

    /// <exception cref="ArgumentException">An option is outside its range, or the catalog's models are not the tables'.</exception>
    public static StoryReport Live(StoryStage stage, StoryOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stage);
        ArgumentNullException.ThrowIfNull(options);
        Check(stage, options);
        var (pool, lived) = (stage.Pool, stage.Lived);
        using var sealer = new ReceiptSealer([new ReceiptKey(1, ReceiptSecret)]);
        var policy = new RoutingPolicy(sealer, new Guardrails(), new ExplorationPolicy());
        var person = new SimulatedUser(options.UserLambda);
        var (tenantHash, userHash) = (IdentityHash.Compute(IdentitySecret, Tenant), IdentityHash.Compute(IdentitySecret, Tenant, User));

        // Chance of three kinds from three sources, so that what a user says does not depend on how often the router draws.
        var (world, router, voice) = (new Random(options.Seed), new Random(~options.Seed), new Random(options.Seed ^ 0x5bd1e995));
        var rows = Enumerable.Range(0, lived.Rows).ToArray();
        world.Shuffle(rows);
        var tally = new StoryTally(stage, options.UserLambda);
        var (user, scratch, steps) = (new UserModel(pool, UserState.Empty), new RequestEncoding(), new List<StoryStep>());
        var belief = user.Belief;
        var sinceComparison = ComparisonBudget.Every;
        for (var i = 0; i < options.Requests; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (row, timeMs) = (rows[i], Start + (i * BetweenRequestsMs));
            var mayCompare = ++sinceComparison >= ComparisonBudget.Every && ComparisonBudget.Allows(belief, pool, Predict(pool, lived.Queries[row], scratch));
            var moment = new DecisionMoment(tenantHash, userHash, timeMs, (uint)router.Next(1 << 24), router.NextDouble());
            var decision = user.Decide(new RouteRequest(lived.Queries[row]) { MayCompare = mayCompare }, policy, moment, scratch);
            sinceComparison = decision.OfferedIndex is null ? sinceComparison : 0;

            var outcomes = Enumerable.Range(0, lived.ModelCount).Select(k => Realised(lived, row, k)).ToArray();
            var said = Speak(person, decision, outcomes, pool.CostScaleUsd, voice);
            var (before, learned) = (belief, (AddOutcome?)null);
            if (said != StoryWord.Nothing)
            {
                var verdict = sealer.Open(decision.Token, tenantHash, userHash, timeMs + ThinkingMs, out var receipt);
                if (!verdict.IsValid)
                {
                    throw new InvalidOperationException($"A receipt of the story was refused: {verdict.Message}");
                }

                var kind = said is StoryWord.ThumbUp or StoryWord.ThumbDown ? FeedbackKind.Thumb : FeedbackKind.Comparison;
                var value = (byte)(said is StoryWord.ThumbUp or StoryWord.PreferredChosen ? 1 : 0);
                user = user.Learn(receipt, kind, value, timeMs + ThinkingMs, withdrawn: false, out var outcome);
                (belief, learned) = (user.Belief, outcome);
            }

            tally.Add(decision, outcomes, said);
            steps.Add(new StoryStep(
                i + 1,
                lived.Ids[row],
                lived.Queries[row],
                decision.Reason,
                Explanation.Of(decision),
                decision.Propensity,
                Answer(decision, decision.ChosenIndex, outcomes),
                decision.OfferedIndex is { } offered ? Answer(decision, offered, outcomes) : null,
                said,
                learned,
                StoryBelief.Of(before, pool.ReportedScaleUsd),
                StoryBelief.Of(belief, pool.ReportedScaleUsd)));
        }

        return new StoryReport(lived.Name, [.. lived.Models.Select(m => m.Value)], options.Seed, tally.Summarise(user), steps);
    }

    private static Outcome[] Predict(RoutingPool pool, string text, RequestEncoding scratch)
    {
        var outcomes = new Outcome[pool.Catalog.Count];
        pool.Snapshot.Encoder.Encode(text, scratch);
        pool.Predict(scratch, float.NaN, outcomes, new float[outcomes.Length], new float[pool.Projected]);
        return outcomes;
    }

    private static StoryWord Speak(SimulatedUser person, RouteDecision decision, Outcome[] outcomes, double costScaleUsd, Random voice)
    {
        var served = outcomes[decision.ChosenIndex];
        if (decision.OfferedIndex is { } offered)
        {
            return person.PrefersFirst(served, outcomes[offered], costScaleUsd, voice) ? StoryWord.PreferredChosen : StoryWord.PreferredOffered;
        }

        if (voice.NextDouble() >= ThumbShare)
        {
            return StoryWord.Nothing;
        }

        var pleased = new HiddenPreference(person.Lambda, ThumbSharpness, Lapse: 0).IsPleasedBy(served, outcomes, costScaleUsd);
        return voice.NextDouble() < pleased ? StoryWord.ThumbUp : StoryWord.ThumbDown;
    }

    private static Outcome Realised(OutcomeTable table, int row, int model) =>
        new(table.Score[(row * table.ModelCount) + model], (float)table.CostUsd[(row * table.ModelCount) + model], 0);

    private static StoryAnswer Answer(RouteDecision decision, int model, Outcome[] outcomes)
    {
        var candidate = decision.Candidates[model];
        return new StoryAnswer(candidate.Model.Value, candidate.Predicted.Quality, candidate.Predicted.CostUsd, outcomes[model].Quality, outcomes[model].CostUsd);
    }

    private static void Check(StoryStage stage, StoryOptions options)
    {
        if (!(options.UserLambda > 0 && double.IsFinite(options.UserLambda)))
        {
            throw new ArgumentException($"The user's lambda is {options.UserLambda}; it must be a finite number above 0.", nameof(options));
        }

        if (options.Requests < 1 || options.Requests > stage.Lived.Rows)
        {
            throw new ArgumentException($"The story has {options.Requests} requests; it must have at least 1 and at most {stage.Lived.Rows}, the rows it can ask.", nameof(options));
        }

        if (!stage.Pool.Catalog.Models.Select(m => m.Id).SequenceEqual(stage.Lived.Models) || !stage.Lived.Models.SequenceEqual(stage.Aside.Models))
        {
            throw new ArgumentException("The stage's catalog and tables list different models, or the same in another order.", nameof(stage));
        }
    }
}
