using System.Text.Json.Serialization;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Evaluation.Simulation;

/// <summary>One request of a story, from the question to what was learned.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Id">The row's id in the data file.</param>
/// <param name="Text">The whole request, as it stands in the file.</param>
/// <param name="Reason">Why the model was chosen, in a word.</param>
/// <param name="Explanation">Why, in a sentence.</param>
/// <param name="Propensity">The probability with which it was chosen.</param>
/// <param name="Chosen">The answer that counts as served.</param>
/// <param name="Offered">The answer shown beside it; null: one answer was shown.</param>
/// <param name="Said">What the user said; <see cref="StoryWord.Nothing"/> for most requests.</param>
/// <param name="Learned">What became of the feedback; null where there was none.</param>
/// <param name="Before">The belief at the decision.</param>
/// <param name="After">The belief after the feedback.</param>
public sealed record StoryStep(
    int Number,
    string Id,
    [property: JsonIgnore] string Text,
    DecisionReason Reason,
    string Explanation,
    double Propensity,
    StoryAnswer Chosen,
    StoryAnswer? Offered,
    StoryWord Said,
    AddOutcome? Learned,
    StoryBelief Before,
    StoryBelief After);
