using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting.Tests;

/// <summary>Keeps what is logged as an error or warning.</summary>
internal sealed class ErrorLog<T>(ConcurrentQueue<string> errors) : ILogger<T>
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Warning)
        {
            errors.Enqueue(formatter(state, exception));
        }
    }
}
