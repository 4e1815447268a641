namespace MetaRouter.Core.Preferences;

/// <summary>What is believed of a user on one topic that was spoken of.</summary>
/// <param name="Code">As <see cref="Text.TopicGroup.Code"/>.</param>
/// <param name="Offset">How it differs from the user's own trade-off.</param>
/// <param name="Belief">Over lambda there.</param>
public sealed record TopicBelief(byte Code, TopicOffset Offset, PreferenceBelief Belief);
