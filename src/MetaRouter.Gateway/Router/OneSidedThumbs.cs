using System.Collections.Concurrent;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;

namespace MetaRouter.Gateway.Router;

/// <summary>
/// Notices a tenant whose users give thumbs down, or up, and hardly anything of the other side: those are taken in full, and draw users of every taste to the same models. Other
/// complaints, and accepts, weigh as one where they stand alone, so they need no warning.
/// </summary>
internal sealed partial class OneSidedThumbs(TimeProvider time, ILogger<OneSidedThumbs> logger)
{
    /// <summary>Fewer may be of one side by chance, or of the first users.</summary>
    private const int LeastThumbs = 50;

    /// <summary>After so many signals those until then count half: an application may learn to ask for the other side.</summary>
    private const int MostSignals = 1000;

    /// <summary>One of the other side for so many thumbs is too little to tell users apart.</summary>
    private const int ThumbsForOne = 50;

    private readonly ConcurrentDictionary<string, Tally> _of = new();

    /// <summary>Takes in what was counted of a user.</summary>
    public void Add(string tenant, Feedback feedback)
    {
        if (_of.GetOrAdd(tenant, static (_, time) => new Tally(time), time).Add(feedback) is var (side, thumbs))
        {
            LogOneSided(tenant, side, thumbs, side == "down" ? "cheaper" : "dearer", ProgramDefaults.Page("concepts.md"));
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Users of tenant '{Tenant}' give thumbs {Side} ({Thumbs} of late) and next to nothing of the other side, which draws all of them to {Kind} models than before, whatever each of them wants. "
            + "Let them say when an answer was good and when it was not, or show them two answers to choose from (Gateway:CompareShare); why, is in {Page} under 'A signal'. Not told again within an hour.")]
    private partial void LogOneSided(string tenant, string side, int thumbs, string kind, string page);

    private sealed class Tally(TimeProvider time)
    {
        private readonly Lock _gate = new();
        private int _down, _up, _complaints, _praise, _comparisons;
        private readonly OnceEvery _logged = new(TimeSpan.FromHours(1), time);

        /// <returns>The side and its thumbs, once an hour, where there is hardly anything else; else null.</returns>
        public (string Side, int Thumbs)? Add(Feedback feedback)
        {
            lock (_gate)
            {
                _ = (feedback.Kind, feedback.Value) switch
                {
                    (FeedbackKind.Thumb, 0) => _down++,
                    (FeedbackKind.Thumb, _) => _up++,
                    (FeedbackKind.Accept, _) => _praise++,
                    (FeedbackKind.Regenerate or FeedbackKind.Edit or FeedbackKind.Abandon, _) => _complaints++,
                    (FeedbackKind.Comparison, _) => _comparisons++,
                    _ => 0,
                };
                if (_down + _up + _complaints + _praise + _comparisons >= MostSignals)
                {
                    (_down, _up, _complaints, _praise, _comparisons) = (_down / 2, _up / 2, _complaints / 2, _praise / 2, _comparisons / 2);
                }

                (string, int)? found = IsAlone(_down, _up + _praise + _comparisons) ? ("down", _down) : IsAlone(_up, _down + _complaints + _comparisons) ? ("up", _up) : null;
                return found is not null && feedback.Kind == FeedbackKind.Thumb && _logged.IsDue() ? found : null;
            }
        }

        private static bool IsAlone(int thumbs, int others) => thumbs >= LeastThumbs && others * ThumbsForOne < thumbs;
    }
}
