namespace MetaRouter.Fuzz;

/// <summary>Something that reads what others wrote, with the promise it keeps for every input there is.</summary>
internal abstract class FuzzTarget(string name, int capacity) : IAsyncDisposable
{
    public string Name => name;

    /// <summary>What is read, for people.</summary>
    public abstract string Reads { get; }

    /// <summary>The input at hand; <see cref="Run"/> depends on nothing else, so that what was found can be run again.</summary>
    public Draft Input { get; } = new(capacity);

    public virtual TimeSpan TimeLimit => TimeSpan.FromSeconds(2);

    /// <summary>Inputs are read on other threads than the one that runs them: what the whole process allocates meanwhile counts.</summary>
    public virtual bool IsReadElsewhere => false;

    /// <summary>The most bytes that may be allocated for an input of a length.</summary>
    public virtual long MemoryLimit(int length) => (1 << 20) + (64L * length);

    /// <summary>Makes an input.</summary>
    public abstract void Draw(Chance chance);

    /// <summary>Reads it.</summary>
    /// <returns>True: it was taken; false: it was refused, as documented.</returns>
    /// <exception cref="Exception">Any is a find.</exception>
    public abstract bool Run();

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public static void Promise(bool kept, string what)
    {
        if (!kept)
        {
            throw new BrokenPromiseException(what);
        }
    }
}

/// <summary>A reader did what it must never do.</summary>
internal sealed class BrokenPromiseException(string message) : Exception(message);
