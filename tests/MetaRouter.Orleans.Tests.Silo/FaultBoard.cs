using System.IO.MemoryMappedFiles;

namespace MetaRouter.Orleans.Tests;

/// <summary>
/// What a test tells silos, in its own process or in others, through a small shared file: the time it is, and what goes wrong with the next save of a user.
/// </summary>
internal sealed class FaultBoard : IDisposable
{
    private const int Bytes = 64;
    private const int Ticks = 0, Fail = 8, Lose = 16, Hold = 24;
    private const long Wanted = 1, Arrived = 2, Released = 3;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public FaultBoard(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, Bytes);
        _view = _file.CreateViewAccessor(0, Bytes);
    }

    /// <summary>Of UTC; 0: the real time.</summary>
    public DateTimeOffset UtcNow
    {
        get => _view.ReadInt64(Ticks) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : DateTimeOffset.UtcNow;
        set => _view.Write(Ticks, value.UtcTicks);
    }

    public void FailNextSave() => _view.Write(Fail, Wanted);

    public void LoseNextAnswer() => _view.Write(Lose, Wanted);

    public void HoldNextSave() => _view.Write(Hold, Wanted);

    public async Task HeldAsync()
    {
        while (_view.ReadInt64(Hold) != Arrived)
        {
            await Task.Delay(2).ConfigureAwait(false);
        }
    }

    public void LetGo() => _view.Write(Hold, Released);

    public async Task SaveAsync(Func<Task> save)
    {
        if (_view.ReadInt64(Hold) == Wanted)
        {
            _view.Write(Hold, Arrived);
            while (_view.ReadInt64(Hold) != Released)
            {
                await Task.Delay(2);
            }

            _view.Write(Hold, 0L);
        }

        if (Taken(Fail))
        {
            throw new IOException("The disk is full.");
        }

        await save();
        if (Taken(Lose))
        {
            throw new IOException("The answer was lost.");
        }
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }

    private bool Taken(int fault)
    {
        var wanted = _view.ReadInt64(fault) == Wanted;
        if (wanted)
        {
            _view.Write(fault, 0L);
        }

        return wanted;
    }
}

/// <summary>The time on the board.</summary>
internal sealed class BoardTime(FaultBoard board) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => board.UtcNow;
}
