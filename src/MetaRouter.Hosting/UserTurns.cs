using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting;

/// <summary>One change of a user at a time in this process. Users share 4,096 turns by their hash.</summary>
internal sealed class UserTurns
{
    private const int Turns = 4096;

    private readonly SemaphoreSlim[] _turns = [.. Enumerable.Range(0, Turns).Select(_ => new SemaphoreSlim(1, 1))];

    /// <summary>Waits for the user's turn, which lasts until it is disposed.</summary>
    public async ValueTask<Turn> TakeAsync(UserKey key, CancellationToken cancellationToken)
    {
        var turn = _turns[(int)(key.User % Turns)];
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Turn(turn);
    }

    public readonly struct Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
