using System.Globalization;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>How a kind of CSV file tells of usages: which columns it must have, and what a row of it means.</summary>
internal abstract class UsageFormat
{
    private const int TokenDigitsMax = 12;

    /// <summary>The kinds that <c>--format</c> knows besides the ledger's own.</summary>
    public static readonly string[] Exports = ["openrouter", "openai", "anthropic"];

    /// <summary>The reader of that kind of file; null is the ledger's own.</summary>
    /// <param name="name">One of <see cref="Exports"/>, or null.</param>
    /// <param name="user">Who pays for every row of an export; null: the user whom the row names.</param>
    /// <param name="now">The time of the import.</param>
    public static UsageFormat Of(string? name, string? user, DateTimeOffset now) => name switch
    {
        null => new LedgerCsv(),
        "openrouter" => new OpenRouterActivity(user),
        "openai" => new OpenAiCosts(user, now),
        "anthropic" => new AnthropicUsage(user, now),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "must be one of the exports"),
    };

    /// <summary>What the file is called in a sentence.</summary>
    protected abstract string Title { get; }

    /// <summary>Columns without which a row can't be understood.</summary>
    protected abstract IReadOnlyList<string> Required { get; }

    /// <summary>Refuses a header that is not this format's. Columns that providers add are left alone.</summary>
    public virtual void JudgeHeader(string path, string[] header)
    {
        var missing = Required.Except(header).ToList();
        if (missing.Count > 0)
            throw new FaException(
                $"{path}: is not {Title}: its first line lacks the column{(missing.Count == 1 ? "" : "s")} "
                + $"{string.Join(", ", missing)}.");
        if (header.Distinct().Count() != header.Length)
            throw new FaException($"{path}: a column is there twice.");
    }

    /// <summary>The usages that a row tells of, mostly one.</summary>
    public abstract IEnumerable<UsageRow> Read(CsvRow row);

    /// <summary>A text from the file, short enough for a message.</summary>
    protected static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";

    /// <summary>What is wrong with a cell that must hold a number; null where nothing is.</summary>
    protected static string? FindNotNumber(string name, string? text) => text switch
    {
        null => $"{name} is empty",
        _ when !MoneyFormat.IsNumber(text) => $"{name} '{Shorten(text)}' is not a number",
        _ => null,
    };

    /// <summary>A count of tokens: nothing is 0, and what is not a whole number below 10^12 is null.</summary>
    protected static long? Tokens(string? text) => text switch
    {
        null => 0,
        { Length: <= TokenDigitsMax } when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var tokens) => tokens,
        _ => null,
    };

    /// <summary>What is wrong with cells that must hold counts; null where nothing is.</summary>
    protected static string? FindNotCounts(CsvRow row, IEnumerable<string> columns) =>
        columns.FirstOrDefault(column => Tokens(row[column]) is null) is { } wrong
            ? $"{wrong} '{Shorten(row[wrong]!)}' is not a whole number below 10^12"
            : null;

    protected static string Digits(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The usage whose fields were written.</summary>
    protected static UsageRow ToRow(long line, JsonBody body, string userId, string requestId) =>
        new(line, body.ToBytes(), null) { Key = (userId, requestId) };
}
