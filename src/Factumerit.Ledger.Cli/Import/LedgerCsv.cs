using System.Text.Json;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// The ledger's own CSV file of usages: a column for each field of POST /usage, with cells sent as they are.
/// </summary>
internal sealed class LedgerCsv : UsageFormat
{
    public static readonly string[] Columns =
    [
        "user_id", "amount_cents", "request_id", "model", "prompt_tokens", "completion_tokens",
        "description", "occurred_at", "provider", "provider_cost_usd", "cache_read_tokens", "cache_write_tokens",
        "reasoning_tokens", "usage", "billing_status", "enforce_balance", "reference_id", "metadata",
    ];

    private static readonly string[] TokenColumns =
        ["prompt_tokens", "completion_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"];

    private const string Pricing =
        "amount_cents, provider_cost_usd, or model and a token count, or billing_status needs_review";

    private string[] _header = [];

    protected override string Title => "a CSV file of usages";

    protected override IReadOnlyList<string> Required => ["user_id", "request_id"];

    public static FaException NotCsv(string path) =>
        new($"{path}: is not a CSV file of usages: the first line must name the columns, separated by commas "
            + $"({string.Join(", ", Columns)}).");

    public override void JudgeHeader(string path, string[] header)
    {
        if (!header.Intersect(Columns).Any())
            throw NotCsv(path);
        // Don't ignore a misspelt column silently.
        if (header.Except(Columns).FirstOrDefault() is { } unknown)
            throw new FaException(
                $"{path}: unknown column '{Output.Printable(unknown)}'; the columns are {string.Join(", ", Columns)}.");
        if (Required.Except(header).ToList() is { Count: > 0 } missing)
            throw new FaException(
                $"{path}: the column{(missing.Count == 1 ? "" : "s")} {string.Join(" and ", missing)} "
                + $"{(missing.Count == 1 ? "is" : "are")} missing.");
        if (!IsPriced(header.Contains))
            throw new FaException($"{path}: no column for the price: add {Pricing}.");
        base.JudgeHeader(path, header);
        _header = header;
    }

    public override IEnumerable<UsageRow> Read(CsvRow row)
    {
        if (FindMissing(row) is { } missing)
            return [UsageRow.Faulty(row.Line, missing)];
        using var body = new JsonBody();
        foreach (var column in _header)
        {
            if (row.Raw(column) is { } text && Write(body, column, text) is { } fault)
                return [UsageRow.Faulty(row.Line, fault)];
        }

        return [ToRow(row.Line, body, row.Raw("user_id")!, row.Raw("request_id")!)];
    }

    private string? FindMissing(CsvRow row)
    {
        if (Required.FirstOrDefault(column => row.Raw(column) is null) is { } missing)
            return $"{missing} is empty";
        return IsPriced(column => row.Raw(column) is not null) ? null : $"has no price: fill in {Pricing}";
    }

    private static bool IsPriced(Func<string, bool> has) =>
        has("amount_cents")
        || has("provider_cost_usd")
        || has("billing_status")
        || (has("model") && TokenColumns.Any(has));

    // Returns the fault if the cell doesn't hold what its column requires.
    private static string? Write(JsonBody body, string column, string text)
    {
        switch (column)
        {
            case "amount_cents" or "provider_cost_usd":
            case string when TokenColumns.Contains(column):
                if (FindNotNumber(column, text.Trim()) is { } wrong)
                    return wrong;
                body.Number(column, text.Trim());
                return null;
            case "usage" or "metadata":
                if (!IsObject(text))
                    return $"{column} '{Shorten(text)}' is not a JSON object";
                body.Json(column, text);
                return null;
            case "enforce_balance":
                if (!bool.TryParse(text, out var isEnforced))
                    return $"{column} '{Shorten(text)}' is neither true nor false";
                body.Boolean(column, isEnforced);
                return null;
            default:
                body.Text(column, text);
                return null;
        }
    }

    private static bool IsObject(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
