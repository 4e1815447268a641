namespace MetaRouter.Evaluation.Training;

/// <summary>A file of the folder that is no part of the training, and why.</summary>
public sealed record SkippedFile(string Name, string Reason)
{
    public override string ToString() => $"{Name} ({Reason})";
}
