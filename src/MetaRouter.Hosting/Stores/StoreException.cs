namespace MetaRouter.Hosting.Stores;

/// <summary>The store cannot be opened or written: locked by another process, full, read-only, torn. The message says which, where and what to do.</summary>
public sealed class StoreException : IOException
{
    /// <summary>How often a change is made again because somebody else wrote first.</summary>
    internal const int MostRetries = 20;

    public StoreException()
    {
    }

    public StoreException(string message)
        : base(message)
    {
    }

    public StoreException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The file's content is damaged, or was never a store's.</summary>
    public bool IsTorn { get; init; }

    /// <summary>No answer came: what was asked may have been done, or may yet be.</summary>
    public bool MayBeDone { get; init; }

    /// <summary>A change was made as often as <see cref="MostRetries"/> says.</summary>
    /// <param name="what">What was to be changed, as a sentence begins.</param>
    internal static StoreException Contended(string what) =>
        new($"{what} changed {MostRetries} times while one change was being saved; something else writes to this store without pause. Try again later.");
}
