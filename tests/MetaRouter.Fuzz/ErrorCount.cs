using Microsoft.Extensions.Logging;

namespace MetaRouter.Fuzz;

/// <summary>Counts what a gateway logs as an error.</summary>
internal sealed class ErrorCount : ILoggerProvider, ILogger
{
    private long _count;

    public long Count => Interlocked.Read(ref _count);

    public string Last { get; private set; } = "";

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            Last = $"{formatter(state, exception)} {exception}";
            Interlocked.Increment(ref _count);
        }
    }

    public void Dispose()
    {
    }
}
