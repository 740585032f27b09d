using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Storage;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Factumerit.Ledger.Api;

/// <summary>
/// Says in one line why the program ends. Mistakes of the operator get a sentence that names what to change; anything else is named by its type and
/// where it happened, without a stack trace.
/// </summary>
internal static class StartFailure
{
    public static string Explain(Exception exception) => OneLine(exception switch
    {
        StopException { InnerException: { } inner } => Explain(inner),
        OptionsValidationException options => string.Join(" ", options.Failures.Select(SentenceOf)),
        AggregateException { InnerExceptions: var several } when several.All(e => e is OptionsValidationException) =>
            string.Join(" ", several.Cast<OptionsValidationException>().SelectMany(e => e.Failures).Select(SentenceOf)),
        ConfigurationException or EmbeddedPostgresException or UnusableDatabaseException => exception.Message,
        InvalidOperationException { Message: var message } when message.Contains("configuration value", StringComparison.OrdinalIgnoreCase) => message,
        // A file of settings that is no JSON: the inner exception names the line.
        InvalidDataException { InnerException: { } inner } data => $"{data.Message} {inner.Message} {inner.InnerException?.Message}",
        IOException { InnerException: AddressInUseException } io => $"{io.Message} Stop what listens there, or choose another address with ASPNETCORE_URLS.",
        IOException or UnauthorizedAccessException => exception.Message,
        _ when FindDatabaseFailure(exception) is { } npgsql => $"the database that ConnectionStrings:Ledger names can't be used: {Reasons(npgsql)}",
        _ => $"{exception.GetType().Name}{PlaceOf(exception)}: {exception.Message}",
    });

    private static NpgsqlException? FindDatabaseFailure(Exception? exception)
    {
        while (exception is not (null or NpgsqlException))
            exception = exception.InnerException;
        return exception as NpgsqlException;
    }

    // Of several hosts each has a reason of its own.
    private static string Reasons(NpgsqlException exception) => exception.InnerException is AggregateException { InnerExceptions: { Count: > 0 } several }
        ? $"{exception.Message.Split(" Check inner exception")[0]} {string.Join("; ", several.Select(e => e.Message).Distinct())}"
        : exception.Message;

    private static string PlaceOf(Exception exception) => exception.TargetSite is { } method ? $" in {method.DeclaringType?.FullName}.{method.Name}" : "";

    private static string OneLine(string text) => string.Join(" ", text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    // The framework wraps the sentence of an annotation: DataAnnotation validation failed for ... with the error:
    // 'Writer:QueueLimit must ...'.
    private static string SentenceOf(string failure)
    {
        const string opening = "with the error: '", closing = "'.";
        var start = failure.IndexOf(opening, StringComparison.Ordinal);
        return start >= 0 && failure.EndsWith(closing, StringComparison.Ordinal) ? failure[(start + opening.Length)..^closing.Length] : failure;
    }
}
