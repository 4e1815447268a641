using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting;

/// <summary>One change of a user at a time in this process. Users share 4,096 turns by their hash.</summary>
internal sealed class UserTurns
{
    private const int Turns = 4096;

    private readonly SemaphoreSlim[] _turns = [.. Enumerable.Range(0, Turns).Select(_ => new SemaphoreSlim(1, 1))];

    /// <summary>Waits for the user's turn.</summary>
    public ValueTask<Turn> TakeAsync(UserKey key, CancellationToken cancellationToken) => _turns[(int)(key.User % Turns)].TakeAsync(cancellationToken);
}
