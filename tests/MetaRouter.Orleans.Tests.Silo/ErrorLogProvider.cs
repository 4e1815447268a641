using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Tests;

/// <summary>Tells what any part of a silo logs as a warning or worse, at once.</summary>
internal sealed class ErrorLogProvider(Action<string> tell) : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            tell($"{formatter(state, exception)} {exception}".ReplaceLineEndings(" "));
        }
    }

    public void Dispose()
    {
    }
}
