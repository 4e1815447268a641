using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>Two models' answers to a row of the test half, shown side by side.</summary>
internal readonly record struct Question(int Row, int First, int Second);

/// <summary>A way to learn what users want: a row of P3's table of learners. All are given the same predictions, users and requests.</summary>
internal interface IPreferenceLearner
{
    string Name { get; }

    /// <summary>Everybody's answers teach the same <see cref="IUserLearner"/>, in rounds of one question a user.</summary>
    bool IsPooled => false;

    /// <summary>Learns what can be learned on the training half.</summary>
    /// <returns>Starts a user: the true lambda, for those that are given it, and chance.</returns>
    Func<double, Random, IUserLearner> Fit(PreferenceSplit split, int seed, CancellationToken cancellationToken);
}

/// <summary>What is known of one user at one moment.</summary>
internal interface IUserLearner
{
    /// <summary>What to ask; null: nothing, ever.</summary>
    /// <param name="looked">Rows of the interaction half that happen to be there; one of them may be asked about.</param>
    Question? Ask(ReadOnlySpan<int> looked);

    void Learn(in Question question, bool prefersFirst);

    /// <summary>The model to serve on each row.</summary>
    void Choose(ReadOnlySpan<int> rows, Span<byte> models);

    /// <summary>Where the user's lambda is believed to lie with 90 % probability; null: no such belief.</summary>
    (double Low, double High)? Interval => null;
}

internal static class Questions
{
    /// <summary>Two different models on the first row looked at, all pairs alike.</summary>
    public static Question Random(ReadOnlySpan<int> looked, int models, Random random)
    {
        var first = random.Next(models);
        return new Question(looked[0], first, (first + 1 + random.Next(models - 1)) % models);
    }
}
