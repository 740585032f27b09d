using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.Tests.Database;

/// <summary>A log that keeps its lines, each as level and text.</summary>
internal class LogLines : ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyList<string> Lines => [.. _lines];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{logLevel} {formatter(state, exception)}");
}

/// <summary>The same as the logger of a class.</summary>
internal sealed class LogLines<T> : LogLines, ILogger<T>;
