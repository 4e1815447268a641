using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting.Learning;

/// <summary>The history of priors as it lies in a store, where every router of it adds to it.</summary>
internal sealed partial class StoredPriorHistory(IUserStore store, ILogger<LearningLoop> logger)
{
    private const string Name = ValueNames.PriorHistory;

    /// <exception cref="StoreException">The store is away.</exception>
    public async Task<PriorHistory> ReadAsync(CancellationToken cancellationToken) => Parse(await store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false));

    /// <exception cref="StoreException">It may or may not have been added.</exception>
    public Task AddAsync(PriorRecord record, bool isHeld) => store.ChangeValueAsync(Name, bytes => Parse(bytes).With(record, isHeld).Write(), CancellationToken.None);

    private PriorHistory Parse(byte[]? bytes)
    {
        if (bytes is null)
        {
            return PriorHistory.Empty;
        }

        if (PriorHistory.Read(bytes, out var error) is { } history)
        {
            return history;
        }

        LogUnreadable(error);
        return PriorHistory.Empty;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The history of priors in the store cannot be read and begins anew. {Reason}")]
    private partial void LogUnreadable(string reason);
}
