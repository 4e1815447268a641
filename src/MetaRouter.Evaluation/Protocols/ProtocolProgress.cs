namespace MetaRouter.Evaluation.Protocols;

/// <summary>How far a protocol is.</summary>
/// <param name="Done">0 to 1, never falling.</param>
/// <param name="Label">What was just finished.</param>
public readonly record struct ProtocolProgress(double Done, string Label);
