using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Traffic;

namespace MetaRouter.Gateway.Router;

/// <summary>
/// What routing would have saved, from the decisions that were noted and not followed. The served model's cost is known; the chosen one's is its prediction times
/// what the served model's prediction fell short or over on the same request, since prompt and answer were as long for one as for the other. The interval is over
/// requests (percentile bootstrap, 2,000 draws); there is none after one.
/// </summary>
/// <param name="Requests">Noted and answered, with their cost.</param>
/// <param name="SpentUsd">What the answers cost.</param>
/// <param name="WouldHaveSpentUsd">Had the decisions been followed. Null, as what follows: there were no requests.</param>
/// <param name="SavedShare">1 - would have spent / spent.</param>
/// <param name="QualityChange">Mean predicted quality of the chosen models less that of the served ones; predictions, not grades.</param>
internal sealed record SavingsReport(int Requests, double SpentUsd, Estimate? WouldHaveSpentUsd, Estimate? SavedShare, Estimate? QualityChange, string Method)
{
    private const string How =
        "only over the decisions that were noted in mode observe (the gateway's, or a request's x-router-mode) while the static model answered; "
            + "direct: predicted cost, corrected on each request by the served model's error; 95 % percentile bootstrap over requests";

    /// <summary>Models that answered or would have, of which nothing but the price is known: how good they are is a guess.</summary>
    public IReadOnlyList<string> JudgedByPrice { get; init; } = [];

    /// <summary>The two sides of a roll-out to a share of the users; null: there was none.</summary>
    public RollOutReport? RollOut { get; init; }

    /// <param name="log">Its lines; those of other kinds are ignored.</param>
    /// <param name="judgedByPrice">See <see cref="Core.Routing.RoutingPool.JudgedByPrice"/>.</param>
    public static async Task<SavingsReport> ReadAsync(IAsyncEnumerable<string> log, IReadOnlySet<ModelId> judgedByPrice)
    {
        var (requests, models, rollOut) = (new List<UnfollowedRequest>(), new HashSet<string>(), new RollOutReport.Reader());
        await foreach (var line in log.ConfigureAwait(false))
        {
            try
            {
                using var json = JsonDocument.Parse(line);
                rollOut.Add(json.RootElement);
                if (!json.RootElement.TryGetProperty("feedback", out _) && Request(json.RootElement, models) is { } request)
                {
                    requests.Add(request);
                }
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
            {
                // A torn line, or not the log's.
            }
        }

        return Of(requests) with { RollOut = rollOut.Report(), JudgedByPrice = [.. judgedByPrice.Select(m => m.Value).Where(models.Contains).Order(StringComparer.Ordinal)] };
    }

    public static SavingsReport Of(IReadOnlyList<UnfollowedRequest> requests)
    {
        if (requests.Count == 0)
        {
            return new(0, 0, null, null, null, How);
        }

        var estimate = SavingsEstimate.Of(requests, new Random(1)); // the same log, the same report
        return new(requests.Count, estimate.SpentUsd, estimate.WouldHaveSpentUsd, estimate.SavedShare, estimate.QualityChange, How);
    }

    /// <summary>Null: not a decision that was noted but not followed.</summary>
    /// <param name="models">Receives its two models.</param>
    private static UnfollowedRequest? Request(JsonElement root, HashSet<string> models)
    {
        if (root.GetProperty("mode").GetString() != "observe" || root.GetProperty("cost_usd").ValueKind != JsonValueKind.Number || root.GetProperty("served").GetString() is not { } served)
        {
            return null;
        }

        var (chosen, spent) = (root.GetProperty("chosen").GetString(), root.GetProperty("cost_usd").GetDouble());
        JsonElement? of = null, to = null;
        foreach (var candidate in root.GetProperty("candidates").EnumerateArray())
        {
            var name = candidate.GetProperty("model").GetString();
            (of, to) = (name == served ? candidate : of, name == chosen ? candidate : to);
        }

        if (of is not { } a || to is not { } b || Cost(a) <= 0)
        {
            return null;
        }

        models.UnionWith([served, chosen!]);
        return new(spent, Cost(b) * CostCorrection.Factor(spent, Cost(a)), b.GetProperty("quality").GetDouble() - a.GetProperty("quality").GetDouble());

        static double Cost(JsonElement candidate) => candidate.GetProperty("cost_usd").GetDouble();
    }
}
