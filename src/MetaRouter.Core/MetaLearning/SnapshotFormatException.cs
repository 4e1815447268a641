namespace MetaRouter.Core.MetaLearning;

/// <summary>A snapshot that cannot be trusted: cut short, altered, of another version, or with numbers out of range.</summary>
public sealed class SnapshotFormatException : FormatException
{
    public SnapshotFormatException()
    {
    }

    public SnapshotFormatException(string message)
        : base(message)
    {
    }

    public SnapshotFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
