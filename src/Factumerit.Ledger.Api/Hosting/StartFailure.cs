using System.Text.RegularExpressions;
using Factumerit.Ledger.EmbeddedPostgres;
using Factumerit.Ledger.Storage;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Explains in one line why the program ends. For an operator's mistake the sentence names what to change. Any other
/// failure is named by its type and where it happened, without a stack trace.
/// </summary>
internal static partial class StartFailure
{
    public static string Explain(Exception exception) => OneLine(exception switch
    {
        StopException { InnerException: { } inner } => Explain(inner),
        OptionsValidationException options => string.Join(" ", options.Failures.Select(SentenceOf)),
        AggregateException { InnerExceptions: var several } when several.All(e => e is OptionsValidationException) =>
            string.Join(" ", several.Cast<OptionsValidationException>().SelectMany(e => e.Failures).Select(SentenceOf)),
        ConfigurationException or EmbeddedPostgresException or UnusableDatabaseException => exception.Message,
        InvalidOperationException when ExplainValue(exception) is { } sentence => sentence,
        // A settings file that is not JSON: the inner exception names the line.
        InvalidDataException { InnerException: { } inner } data =>
            $"{data.Message} {inner.Message} {inner.InnerException?.Message}",
        IOException { InnerException: AddressInUseException } io =>
            $"{io.Message} Stop what listens there, or choose another address with ASPNETCORE_URLS.",
        IOException or UnauthorizedAccessException => exception.Message,
        _ when FindDatabaseFailure(exception) is { } npgsql =>
            $"the database that ConnectionStrings:Ledger names can't be used: {Reasons(npgsql)}",
        _ => $"{exception.GetType().Name}{PlaceOf(exception)}: {exception.Message}",
    });

    /// <summary>
    /// Explains a value that can't be converted: its key, the expected value and the given one. Null for any other
    /// exception.
    /// </summary>
    public static string? ExplainValue(Exception exception)
    {
        if (UnusableValue().Match(exception.Message) is not { Success: true } match)
            return null;
        var type = match.Groups["type"].Value;
        var expected = type switch
        {
            _ when type.Contains(nameof(TimeSpan), StringComparison.Ordinal) => "a time span such as 00:00:10",
            _ when type.Contains(nameof(Boolean), StringComparison.Ordinal) => "true or false",
            _ when type.Contains("Int", StringComparison.Ordinal) => "a whole number",
            _ when type.Contains(nameof(Double), StringComparison.Ordinal) => "a number such as 1.25",
            _ when type.Contains(nameof(Decimal), StringComparison.Ordinal) => "a number such as 1.25",
            _ => $"of the type {type}",
        };
        return $"{match.Groups["key"].Value} must be {expected}, not '{match.Groups["value"].Value}'.";
    }

    // Matches the framework's own sentence.
    [GeneratedRegex(
        "configuration value '(?<value>.*)' at '(?<key>[^']*)' to type '(?<type>[^']*)'", RegexOptions.Singleline)]
    private static partial Regex UnusableValue();

    private static NpgsqlException? FindDatabaseFailure(Exception? exception)
    {
        while (exception is not (null or NpgsqlException))
            exception = exception.InnerException;
        return exception as NpgsqlException;
    }

    // With several hosts, each has its own reason.
    private static string Reasons(NpgsqlException exception) =>
        exception.InnerException is AggregateException { InnerExceptions: { Count: > 0 } several }
            ? $"{exception.Message.Split(" Check inner exception")[0]} "
                + string.Join("; ", several.Select(e => e.Message).Distinct())
            : exception.Message;

    private static string PlaceOf(Exception exception) =>
        exception.TargetSite is { } method ? $" in {method.DeclaringType?.FullName}.{method.Name}" : "";

    private static string OneLine(string text) => string.Join(
        " ", text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    // The framework wraps the sentence of an annotation: DataAnnotation validation failed for ... with the error:
    // 'Writer:QueueLimit must ...'.
    private static string SentenceOf(string failure)
    {
        const string opening = "with the error: '", closing = "'.";
        var start = failure.IndexOf(opening, StringComparison.Ordinal);
        return start >= 0 && failure.EndsWith(closing, StringComparison.Ordinal)
            ? failure[(start + opening.Length)..^closing.Length]
            : failure;
    }
}
