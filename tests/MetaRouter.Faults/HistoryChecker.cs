using MetaRouter.Core.Users;

namespace MetaRouter.Faults;

/// <param name="Acknowledged">Pieces of feedback that a client was told are counted.</param>
/// <param name="Problems">Each loss, doubling and wrong answer, in words.</param>
internal sealed record Verdict(int Acknowledged, int Lost, int Doubled, int Wrong, IReadOnlyList<string> Problems)
{
    /// <summary>Users whom a client was told are erased.</summary>
    public int Erased { get; init; }

    public bool IsClean => Lost + Doubled + Wrong == 0;

    public static Verdict operator +(Verdict a, Verdict b) =>
        new(a.Acknowledged + b.Acknowledged, a.Lost + b.Lost, a.Doubled + b.Doubled, a.Wrong + b.Wrong, [.. a.Problems, .. b.Problems]) { Erased = a.Erased + b.Erased };
}

/// <summary>
/// Compares what clients were told with what is there in the end.
/// </summary>
/// <remarks>
/// A user's state is a join: each key holds what was said last, whatever the order of arrival. So no order of execution has to be searched for; it suffices, for
/// every key, to look at what was said of it. Acknowledged: it is there, or something said later is, or an erasure that was not over when its decision was asked for took it.
/// Unknown: it may be there. Refused, or never said: it is not. Decided before an acknowledged erasure began: it is gone for good, and not counted again. (Another node may say for a moment that it is known: what changes nothing is not written, and so not compared with the store.) Linear in the history.
/// Where the store was destroyed: what was acknowledged before it was over promises nothing, and neither does a word of before that is said to be known after it; a word that was counted in answer to something
/// asked after it is there, once, and may have been counted before.
/// A window holds 64 signals; whoever makes histories stays below that, so that nothing may leave it.
/// </remarks>
internal static class HistoryChecker
{
    /// <param name="final">The signals of each user in the end; a user that is not there has none.</param>
    public static Verdict Check(History history, IReadOnlyDictionary<string, IReadOnlyList<Signal>> final)
    {
        var (said, erased, seen, destroyed, wrong) = history.All();
        var erasures = erased.ToLookup(e => e.User);
        var problems = wrong.Select(w => "wrong: " + w).ToList();
        var (lost, doubled, bad) = (0, 0, wrong.Count);
        var byKey = said.GroupBy(s => (s.User, s.Key)).ToDictionary(g => g.Key, g => g.OrderBy(s => s.Began).ToArray());
        foreach (var ((user, key), told) in byKey)
        {
            if (told.Where(s => s.Reply == Reply.Counted && LifeOf(s) is not null).GroupBy(s => (s.Value, s.Withdrawn, s.SaidMs, LifeOf(s))).FirstOrDefault(g => g.Count() > 1) is { } twice)
            {
                doubled++;
                problems.Add($"doubled: {user} {key}: {twice.Count()} answers say that the same word was counted");
            }

            foreach (var repeat in told.Where(s => s.Reply == Reply.Known && !told.Any(o => o != s && o.Reply != Reply.Refused && o.Began < s.Ended)))
            {
                bad++;
                problems.Add($"wrong: {user} {key} is said to be known, and was never said before");
            }

            var firstSaid = told.Min(s => s.Began); // so the decision had been taken before
            bool Promises(Said s) => s.IsAcknowledged && (destroyed is null || (destroyed.Precedes(s) && (s.Reply == Reply.Counted || firstSaid > destroyed.Ended)));
            foreach (var _ in told.Where(s => s.Reply == Reply.Counted && erasures[user].Any(e => e.Began > firstSaid && e.Ended < s.Began)))
            {
                bad++;
                problems.Add($"wrong: {user} {key} was decided before an erasure, and is counted after it");
            }

            var present = final.GetValueOrDefault(user)?.Where(s => s.Key == key).ToArray() ?? [];
            if (present.Length > 1)
            {
                doubled++;
                problems.Add($"doubled: {user} {key} is there {present.Length} times");
            }

            var decidedAt = told[0].DecidedAt;
            if (erasures[user].Any(e => e.Ended < long.MaxValue && e.Began > firstSaid))
            {
                if (present.Length > 0)
                {
                    bad++;
                    problems.Add($"wrong: {user} {key} is there, and was erased");
                }

                continue;
            }

            var acknowledged = told.Where(Promises).ToArray();
            if (present.Length == 0)
            {
                if (acknowledged.Length > 0 && !erasures[user].Any(e => e.Ended > decidedAt))
                {
                    lost++;
                    problems.Add($"lost: {user} {key} was acknowledged");
                }

                continue;
            }

            var now = present[0];
            if (!told.Any(s => s.Reply != Reply.Refused && s.Value == now.Value && s.Withdrawn == now.Withdrawn && (s.SaidMs ?? now.ClientTimeMs) == now.ClientTimeMs))
            {
                bad++;
                problems.Add($"wrong: {user} {key} says {now.Value} at {now.ClientTimeMs}, which nobody said");
            }
            else if (acknowledged.Any(s => s.SaidMs > now.ClientTimeMs))
            {
                lost++;
                problems.Add($"lost: {user} {key}: a later word was acknowledged");
            }
        }

        foreach (var (user, signals) in final)
        {
            foreach (var signal in signals.Where(s => !byKey.ContainsKey((user, s.Key))))
            {
                bad++;
                problems.Add($"wrong: {user} {signal.Key} is there, and was never said");
            }
        }

        // Before the store was destroyed, or after; null: while it was.
        bool? LifeOf(Said s) => destroyed is null || destroyed.Precedes(s) ? true : destroyed.Follows(s) ? false : null;

        // A node shows what it has acknowledged itself.
        var bySpeaker = said.Where(s => s.IsAcknowledged).ToLookup(s => (s.User, s.Node));
        foreach (var look in seen)
        {
            foreach (var missing in bySpeaker[(look.User, look.Node)].Where(s => s.Ended < look.Began && !look.Keys.Contains(s.Key) && !erasures[look.User].Any(e => e.Ended > s.DecidedAt)))
            {
                bad++;
                problems.Add($"wrong: {look.User} {missing.Key} was acknowledged by node {look.Node}, which then did not show it");
            }
        }

        return new Verdict(said.Count(s => s.Reply == Reply.Counted), lost, doubled, bad, problems) { Erased = erased.Count(e => e.Ended < long.MaxValue) };
    }
}
