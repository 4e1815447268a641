namespace MetaRouter.Evaluation.Data;

/// <summary>A data file that cannot be used at all. The message names the file and what to do; a program prints it and stops.</summary>
public sealed class DataFileException : Exception
{
    public DataFileException()
    {
    }

    public DataFileException(string message)
        : base(message)
    {
    }

    public DataFileException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
