using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Hosting.Tests;

/// <summary>What users said, such as no two of them did.</summary>
internal static class UserStates
{
    /// <summary>Comparisons and thumbs of every topic, of models that differ in everything.</summary>
    /// <param name="late">Said within so many minutes.</param>
    public static UserState Of(int user, int signals, int late = 1)
    {
        var random = new Random(user);
        var topics = Snapshot.Default.Encoder.Topics.Groups.All;
        var state = UserState.Empty;
        for (var i = 1; i <= signals; i++)
        {
            var time = DateTimeOffset.UtcNow.AddHours(-i).ToUnixTimeMilliseconds();
            state = state.Add(new Signal(
                new SignalKey(time, (uint)random.Next(1 << 24), i % 2 == 0 ? FeedbackKind.Thumb : FeedbackKind.Comparison), time + random.Next(late * 60_000), (byte)random.Next(2), false,
                new Outcome(random.NextSingle(), 0.01f * random.NextSingle(), 20 * random.NextSingle()),
                new Outcome(random.NextSingle(), 0.01f * random.NextSingle(), 20 * random.NextSingle()))
            {
                Topic = topics[i % topics.Length].Code,
            });
        }

        return state;
    }
}
