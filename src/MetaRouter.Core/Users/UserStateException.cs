namespace MetaRouter.Core.Users;

/// <summary>
/// A user's record could not be read. The message says what is wrong with it; the record is to be set aside and reported, never overwritten.
/// </summary>
public sealed class UserStateException : FormatException
{
    public UserStateException()
    {
    }

    public UserStateException(string message)
        : base(message)
    {
    }

    public UserStateException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
