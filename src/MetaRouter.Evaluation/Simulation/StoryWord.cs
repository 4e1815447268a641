namespace MetaRouter.Evaluation.Simulation;

/// <summary>What the user of a story says of an answer.</summary>
public enum StoryWord
{
    Nothing,
    ThumbUp,
    ThumbDown,

    /// <summary>Of two answers, that of the model that was chosen.</summary>
    PreferredChosen,

    /// <summary>Of two answers, the one shown beside it.</summary>
    PreferredOffered,
}
