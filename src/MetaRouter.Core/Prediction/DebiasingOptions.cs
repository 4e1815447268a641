namespace MetaRouter.Core.Prediction;

/// <summary>How the bias of preference labels is learned.</summary>
public enum DebiasingLearner
{
    /// <summary>The same everywhere: the difference of means.</summary>
    MeanShift,

    /// <summary>Doubly robust pseudo-outcomes.</summary>
    DoublyRobust,

    /// <summary>Residual on residual, weighted by the treatment's: Robinson's transformation.</summary>
    Residual,
}

/// <summary>How <see cref="PreferenceDebiasing"/> goes about it.</summary>
public sealed record DebiasingOptions
{
    /// <value>Default <see cref="DebiasingLearner.DoublyRobust"/>.</value>
    public DebiasingLearner Learner { get; init; } = DebiasingLearner.DoublyRobust;

    /// <value>Whether gold labels were drawn at random from all requests, as in an experiment. Default false: how likely a request was to be graded is learned too.</value>
    public bool IsRandomised { get; init; }

    /// <value>Whether preference labels are brought to the spread of gold labels first. Default true.</value>
    public bool AlignsScale { get; init; } = true;
}
