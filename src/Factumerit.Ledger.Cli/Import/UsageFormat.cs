using System.Globalization;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>A kind of CSV file of usages: its required columns and the meaning of a row.</summary>
internal abstract class UsageFormat
{
    private const int TokenDigitsMax = 12;

    /// <summary>The values of <c>--format</c>. Without it, the file has the ledger's own format.</summary>
    public static readonly string[] Exports = ["openrouter", "openai", "anthropic"];

    /// <summary>The reader of that kind of file; null is the ledger's own.</summary>
    /// <param name="name">One of <see cref="Exports"/>, or null.</param>
    /// <param name="user">The user who pays for every row of an export; null for the user named by each row.</param>
    /// <param name="now">The time of the import.</param>
    public static UsageFormat Of(string? name, string? user, DateTimeOffset now) => name switch
    {
        null => new LedgerCsv(),
        "openrouter" => new OpenRouterActivity(user),
        "openai" => new OpenAiCosts(user, now),
        "anthropic" => new AnthropicUsage(user, now),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "must be one of the exports"),
    };

    /// <summary>The name of this kind of file in a message.</summary>
    protected abstract string Title { get; }

    /// <summary>The columns that every row needs.</summary>
    protected abstract IReadOnlyList<string> Required { get; }

    /// <summary>Refuses a header of another format. Columns that providers add are ignored.</summary>
    public virtual void JudgeHeader(string path, string[] header)
    {
        var missing = Required.Except(header).ToList();
        if (missing.Count > 0)
            throw new FaException(
                $"{path}: is not {Title}: its first line lacks the column{(missing.Count == 1 ? "" : "s")} "
                + $"{string.Join(", ", missing)}.");
        if (header.Distinct().Count() != header.Length)
            throw new FaException($"{path}: the first line names a column twice.");
    }

    /// <summary>The usages of a row, mostly one.</summary>
    public abstract IEnumerable<UsageRow> Read(CsvRow row);

    /// <summary>A text from the file, shortened for a message.</summary>
    protected static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";

    /// <summary>Why a cell is not a number; null if it is one.</summary>
    protected static string? FindNotNumber(string name, string? text) => text switch
    {
        null => $"{name} is empty",
        _ when !MoneyFormat.IsNumber(text) => $"{name} '{Shorten(text)}' is not a number",
        _ => null,
    };

    /// <summary>A count of tokens: 0 for an empty cell, null for anything but a whole number below 10^12.</summary>
    protected static long? Tokens(string? text) => text switch
    {
        null => 0,
        { Length: <= TokenDigitsMax }
            when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var tokens) => tokens,
        _ => null,
    };

    /// <summary>Why a cell is not a count; null if all of them are.</summary>
    protected static string? FindNotCounts(CsvRow row, IEnumerable<string> columns) =>
        columns.FirstOrDefault(column => Tokens(row[column]) is null) is { } wrong
            ? $"{wrong} '{Shorten(row[wrong]!)}' is not a whole number below 10^12"
            : null;

    protected static string Digits(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The usage with the fields of <paramref name="body"/>.</summary>
    protected static UsageRow ToRow(long line, JsonBody body, string userId, string requestId) =>
        new(line, body.ToBytes(), null) { Key = (userId, requestId) };
}
