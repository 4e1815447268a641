using System.Text.Json;
using MetaRouter.Core.Users;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.OffPolicy;

/// <summary>
/// Reads the decision log that a host writes: decisions with the propensities of all candidates, and beside them lines of feedback that name their decision by time and nonce.
/// </summary>
/// <remarks>
/// A reward is what was said outright (thumb, rating, task success), else what was let slip (accept 1, edit one half, regenerate and abandon 0), several alike averaged; the last word
/// of a kind counts. A line may bring its own <c>reward</c>, 0 to 1, which outranks both. Left out are decisions that showed two answers (what was said of them
/// is a comparison) and those that the chosen model did not
/// answer in the end: failed over, or only noted. On a cluster a decision has two lines, the silo's and, with what became of it, the gateway's; the latter counts, whichever is
/// read first, and a decision that is marked as pending and has no such line is left out, too. A log that was rotated is read from its oldest file to its newest: words stand behind their decision, often in a later file.
/// </remarks>
public static class DecisionLogReader
{
    private const double Tolerance = 1e-3;

    /// <param name="paths">The files of one log, the oldest first.</param>
    /// <exception cref="DataFileException">A file cannot be read, or they have no usable decision.</exception>
    public static DecisionLogFiles Read(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var files = paths.Select(path => (Path: path, Bad: new BadLines())).ToArray();
        var decisions = new OrderedDictionary<(string Time, long Nonce), Joined>();
        var repeated = 0;
        var said = new Dictionary<(string, long), Dictionary<FeedbackKind, double?>>();
        foreach (var (bad, line, json) in files.SelectMany(file => JsonLines.Read(file.Path).Select(read => (file.Bad, read.Line, read.Json))))
        {
            try
            {
                using var document = JsonDocument.Parse(json);
                var row = document.RootElement;
                var key = (row.GetProperty("time").GetString() ?? "", row.GetProperty("nonce").GetInt64());
                if (row.TryGetProperty("feedback", out var kind))
                {
                    var of = said.TryGetValue(key, out var before) ? before : said[key] = [];
                    var named = Enum.Parse<FeedbackKind>(kind.GetString()!);
                    of[named] = row.TryGetProperty("withdrawn", out var taken) && taken.GetBoolean() ? null : Said(named, row.GetProperty("value").GetInt32());
                }
                else
                {
                    var read = Line(row);
                    if (decisions.TryGetValue(key, out var before))
                    {
                        repeated += before.Has(read) ? 1 : 0;
                        decisions[key] = before.With(read);
                    }
                    else
                    {
                        decisions.Add(key, read);
                    }
                }
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
            {
                bad.Add(line, e is FormatException ? e.Message : e is JsonException ? "not valid JSON: " + JsonProblem.Of(e) : "not a decision or feedback, as MetaRouter:DecisionLog writes them");
            }
        }

        var faulty = Array.FindAll(files, file => file.Bad.Count > 0);
        var pending = decisions.Count(d => d.Value.IsPending);
        LoggedDecision[] usable =
        [
            .. decisions.Where(d => d.Value.Usable is not null)
                .Select(d => d.Value.Usable!.Reward is null && said.TryGetValue(d.Key, out var words) ? d.Value.Usable with { Reward = Reward(words) } : d.Value.Usable),
        ];
        return usable.Length > 0
            ? new DecisionLogFiles(
                usable, decisions.Count - usable.Length - pending, pending, repeated, said.Where(s => !decisions.ContainsKey(s.Key)).Sum(s => s.Value.Count), faulty)
            : throw new DataFileException($"{string.Join(", ", paths)}: no usable decision. " + (faulty is [var first, ..]
                ? $"First problem: {first.Path}, {first.Bad.First[0]}."
                : pending > 0 ? $"What became of {(pending == 1 ? "the one there" : $"the {pending} there")} stands in the logs of the gateways; give these beside the silos'."
                : "Name the log of a host whose DecisionLog option is set."));
    }

    private static Joined Line(JsonElement row)
    {
        string? Text(string name) => row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        var mode = Text("mode");
        var isOfTheChosen = Text("offered") is null && mode is not "observe" && (Text("served") is not { } served || served == Text("chosen"));
        var decision = isOfTheChosen ? Decision(row) : null;
        return mode is "observe" or "apply" ? new Joined(null, decision, false, HasOutcome: true) : new Joined(decision, null, mode is "pending", HasOutcome: false);
    }

    private static LoggedDecision Decision(JsonElement row)
    {
        LoggedCandidate[] candidates = [.. row.GetProperty("candidates").EnumerateArray().Select(c => new LoggedCandidate(
            c.GetProperty("model").GetString() ?? throw new FormatException("a candidate's 'model' is null; it must name a model"),
            c.GetProperty("quality").GetDouble(), c.GetProperty("cost_usd").GetDouble(), c.GetProperty("utility").GetDouble(), c.GetProperty("propensity").GetDouble()))];
        var model = row.GetProperty("chosen").GetString();
        var chosen = Array.FindIndex(candidates, c => c.Model == model);
        if (chosen < 0)
        {
            throw new FormatException($"'chosen' is {model}, which is not among the candidates");
        }

        if (!(candidates[chosen].Propensity > 0) || Math.Abs(candidates.Sum(c => c.Propensity) - 1) > Tolerance)
        {
            throw new FormatException($"propensities sum to {candidates.Sum(c => c.Propensity):0.####}, and the chosen model's is {candidates[chosen].Propensity:0.####}");
        }

        double? reward = row.TryGetProperty("reward", out var r) && r.ValueKind == JsonValueKind.Number ? r.GetDouble() : null;
        return reward is null or (>= 0 and <= 1) ? new LoggedDecision(candidates, chosen, reward) : throw new FormatException($"'reward' is {reward}; a reward lies between 0 and 1");
    }

    private static double? Said(FeedbackKind kind, int value) => Enum.IsDefined(kind) && Reward(kind, value) is var reward and (null or (>= 0 and <= 1))
        ? reward
        : throw new FormatException($"'value' is {value}, which a {kind} cannot have");

    private static double? Reward(FeedbackKind kind, int value) => kind switch
    {
        FeedbackKind.Thumb or FeedbackKind.TaskSuccess => value,
        FeedbackKind.Rating => (value - 1) / 4.0,
        FeedbackKind.Accept => 1,
        FeedbackKind.Edit => .5,
        FeedbackKind.Regenerate or FeedbackKind.Abandon => 0,
        _ => null,
    };

    private static double? Reward(Dictionary<FeedbackKind, double?> words)
    {
        var outright = words.Where(w => w.Key is FeedbackKind.Thumb or FeedbackKind.Rating or FeedbackKind.TaskSuccess && w.Value is not null).ToArray();
        var heard = outright.Length > 0 ? outright : [.. words.Where(w => w.Value is not null)];
        return heard.Length > 0 ? heard.Average(w => w.Value) : null;
    }

    /// <summary>What the lines of one decision say together.</summary>
    /// <param name="Drawn">From lines without an outcome; null: there is none, or it says nothing of what the chosen model is worth.</param>
    /// <param name="Answered">Likewise from lines with one.</param>
    /// <param name="IsAwaited">A line says that what became of it is logged elsewhere.</param>
    /// <param name="HasOutcome">A line tells what became of it.</param>
    private sealed record Joined(LoggedDecision? Drawn, LoggedDecision? Answered, bool IsAwaited, bool HasOutcome)
    {
        private bool _hasDrawn = !HasOutcome;

        public bool IsPending => IsAwaited && !HasOutcome;

        /// <summary>Null: it says nothing of what the chosen model is worth, or nobody knows.</summary>
        public LoggedDecision? Usable => !HasOutcome ? IsAwaited ? null : Drawn : Answered is { Reward: null } ? Answered with { Reward = Drawn?.Reward } : Answered;

        /// <summary>A line of the same kind was read before.</summary>
        public bool Has(Joined line) => line.HasOutcome ? HasOutcome : _hasDrawn;

        /// <summary>The first line of a kind counts.</summary>
        public Joined With(Joined line) => Has(line) ? this
            : line.HasOutcome ? this with { Answered = line.Answered, HasOutcome = true } : this with { Drawn = line.Drawn, IsAwaited = line.IsAwaited, _hasDrawn = true };
    }
}
