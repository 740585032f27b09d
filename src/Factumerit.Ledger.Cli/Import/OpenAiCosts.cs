using System.Globalization;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// OpenAI's costs export: the cost of a span of time, mostly a day, in US dollars, by the fields that the export was
/// grouped by. Spans without costs are empty rows.
/// </summary>
internal sealed class OpenAiCosts(string? user, DateTimeOffset now) : ProviderExport(user)
{
    // Amounts have 30 decimals. The digits cut off are worth less than 10^-11 nano-dollars.
    private const int DecimalsMax = 20;

    private readonly DerivedIds _ids = new("openai");

    protected override string Title => "a costs export of OpenAI";

    protected override IReadOnlyList<string> Required => ["start_time", "end_time", "amount_value", "amount_currency"];

    public override IEnumerable<UsageRow> Read(CsvRow row) => [Read(row.Line, column => row[column])];

    /// <summary>The usage of one span, with its fields by the names of the columns.</summary>
    public UsageRow Read(long line, Func<string, string?> field)
    {
        if (field("amount_value") is not { } amount)
            return UsageRow.Empty(line);
        // Takes the id before any check, so rows of one name have the same numbers in every run.
        var requestId = _ids.Next(
            field("start_time"), field("end_time"), field("line_item"), field("user_id"), field("user_email"),
            field("api_key_id"), field("project_id"), field("organization_id"), field("api_source"));
        if (FindFault(amount, field("amount_currency")) is { } fault)
            return UsageRow.Faulty(line, fault);
        if (ToTime(field("start_time")) is not { } start || ToTime(field("end_time")) is not { } end)
            return UsageRow.Faulty(line, "start_time and end_time must be Unix timestamps in seconds");
        if (FindUnfinished(line, end, now) is { } unfinished)
            return unfinished;
        if (!TryFindUser(
            line, out var userId, out var noUser, field("user_email"), field("user_id"), field("api_key_id")))
            return noUser!;
        using var body = new JsonBody();
        body.Text("user_id", userId)
            .Text("request_id", requestId)
            .Text("provider", "openai")
            .Number("provider_cost_usd", Cut(amount))
            .Text("model", ModelOf(field("line_item")))
            .Text("description", field("line_item"))
            .Text("reference_id", field("project_id"))
            .Text("occurred_at", start.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        return ToRow(line, body, userId, requestId);
    }

    private static string? FindFault(string amount, string? currency) =>
        FindNotNumber("amount_value", amount) ?? (string.Equals(currency, "usd", StringComparison.OrdinalIgnoreCase)
            ? null
            : $"amount_currency '{Shorten(currency ?? "")}' is not usd");

    private static DateTimeOffset? ToTime(string? seconds) =>
        long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(number)
            : null;

    private static string Cut(string amount)
    {
        var point = amount.IndexOf('.', StringComparison.Ordinal);
        return point < 0
            || amount.Length <= point + 1 + DecimalsMax
            || amount.Contains('e', StringComparison.OrdinalIgnoreCase)
                ? amount
                : amount[..(point + 1 + DecimalsMax)];
    }

    // "gpt-4o-2024-08-06, input" names a model; "Assistants API | file search" does not.
    private static string? ModelOf(string? lineItem) =>
        lineItem?.LastIndexOf(", ", StringComparison.Ordinal) is > 0 and var comma ? lineItem[..comma] : null;
}
