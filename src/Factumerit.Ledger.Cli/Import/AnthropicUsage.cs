using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// Anthropic's usage export. A row holds the tokens of a day by key, model and kind of request. It has no costs, so
/// the ledger's price book prices it. A row is the sum of many requests, but prices by prompt size apply to the
/// single request. <c>context_window</c> says on which side of 200,000 tokens the requests of a row were. A row of
/// short requests with a longer sum is therefore recorded in parts that are short themselves. A row of long requests
/// is long in any case.
/// </summary>
internal sealed class AnthropicUsage(string? user, DateTimeOffset now) : ProviderExport(user)
{
    /// <summary>Longer prompts have prices of their own.</summary>
    private const long ShortPromptMax = 200_000;

    // The largest average part of a row. Rounding adds less than the distance to ShortPromptMax.
    private const long ShortPartTokens = 190_000;
    private const long LongPartTokens = 2_000_000_000;

    private readonly DerivedIds _ids = new("anthropic");

    private static readonly string[] Counts =
    [
        "usage_input_tokens_no_cache", "usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h",
        "usage_input_tokens_cache_read", "usage_output_tokens", "web_search_count",
    ];

    protected override string Title => "a usage export of Anthropic";

    protected override IReadOnlyList<string> Required =>
        ["usage_date_utc", "model_version", "api_key", "usage_type", "context_window", .. Counts];

    public override IEnumerable<UsageRow> Read(CsvRow row)
    {
        var requestId = _ids.Next(
            row["usage_date_utc"], row["model_version"], row["api_key"], row["workspace"],
            row["usage_type"], row["context_window"], row["inference_geo"], row["speed"]);
        if (FindFault(row) is { } fault)
            return [UsageRow.Faulty(row.Line, fault)];
        var day = new DayOfTokens([.. Counts.Select(column => Tokens(row[column])!.Value)]);
        if (day.IsEmpty)
            return [UsageRow.Empty(row.Line)];
        if (FindUnfinished(row.Line, LedgerTime.Parse(row["usage_date_utc"])!.Value.AddDays(1), now) is { } unfinished)
            return [unfinished];
        if (!TryFindUser(row.Line, out var userId, out var noUser, row["api_key"]))
            return [noUser!];
        var isLong = IsLong(row["context_window"])!.Value;
        if (isLong && day.Prompt <= ShortPromptMax)
            return [UsageRow.Faulty(
                row.Line,
                $"has {day.Prompt} input tokens in total, but its context_window says > 200k for each request")];
        return ToUsages(row, day, isLong, userId, requestId);
    }

    private static string? FindFault(CsvRow row)
    {
        if (row["model_version"] is null)
            return "model_version is empty";
        if (LedgerTime.Parse(row["usage_date_utc"]) is null)
            return $"usage_date_utc '{Shorten(row["usage_date_utc"] ?? "")}' is not a date";
        if (IsLong(row["context_window"]) is null)
            return $"context_window '{Shorten(row["context_window"] ?? "")}' is neither ≤ 200k nor > 200k";
        return FindNotCounts(row, Counts);
    }

    private static bool? IsLong(string? contextWindow) => contextWindow switch
    {
        "≤ 200k" or "<= 200k" or "0-200k" => false,
        "> 200k" or "200k-1M" => true,
        _ => null,
    };

    private static IEnumerable<UsageRow> ToUsages(
        CsvRow row, DayOfTokens day, bool isLong, string userId, string requestId)
    {
        var parts = day.Prompt <= ShortPromptMax ? 1 : 1 + (day.Prompt / (isLong ? LongPartTokens : ShortPartTokens));
        for (var part = 1L; part <= parts; part++)
        {
            var id = parts == 1 ? requestId : $"{requestId}/{part}";
            using var body = ToBody(row, day.Part(part, parts), userId, id);
            yield return ToRow(row.Line, body, userId, id);
        }
    }

    private static JsonBody ToBody(CsvRow row, DayOfTokens day, string userId, string requestId)
    {
        using var usage = new JsonBody();
        using var cacheCreation = new JsonBody();
        cacheCreation.Number("ephemeral_5m_input_tokens", Digits(day.Write5m))
            .Number("ephemeral_1h_input_tokens", Digits(day.Write1h));
        usage.Number("input_tokens", Digits(day.Input))
            .Number("cache_read_input_tokens", Digits(day.Read))
            .Number("cache_creation_input_tokens", Digits(day.Write5m + day.Write1h))
            .Json("cache_creation", cacheCreation.ToText())
            .Number("output_tokens", Digits(day.Output))
            .Text("service_tier", row["usage_type"]);
        if (day.Searches > 0)
            usage.Json("server_tool_use", $$"""{"web_search_requests":{{Digits(day.Searches)}}}""");
        return new JsonBody()
            .Text("user_id", userId)
            .Text("request_id", requestId)
            .Text("model", ModelOf(row))
            .Text("provider", "anthropic")
            .Number("prompt_tokens", Digits(day.Prompt))
            .Number("completion_tokens", Digits(day.Output))
            .Number("cache_read_tokens", Digits(day.Read))
            .Number("cache_write_tokens", Digits(day.Write5m + day.Write1h))
            .Json("usage", usage.ToText())
            .Text("reference_id", row["workspace"])
            .Text("occurred_at", row["usage_date_utc"]);
    }

    // A faster mode and a chosen region have prices of their own, which a price map doesn't contain. The price book
    // has no price for the longer name, so the call waits for review.
    private static string ModelOf(CsvRow row)
    {
        var speed = row["speed"] is null or "standard" ? null : $"speed {row["speed"]}";
        var place = row["inference_geo"] is null or "not_available" or "global" ? null : $"in {row["inference_geo"]}";
        var kind = string.Join(", ", new[] { speed, place }.OfType<string>());
        return kind.Length == 0 ? row["model_version"]! : $"{row["model_version"]} ({kind})";
    }

    /// <summary>The counts of a row, in the order of <see cref="Counts"/>.</summary>
    private sealed record DayOfTokens(long[] Values)
    {
        public long Input => Values[0];
        public long Write5m => Values[1];
        public long Write1h => Values[2];
        public long Read => Values[3];
        public long Output => Values[4];
        public long Searches => Values[5];
        public long Prompt => Input + Write5m + Write1h + Read;
        public bool IsEmpty => Values.All(value => value == 0);

        /// <summary>
        /// One of <paramref name="parts"/> parts, which add up to the whole. Searches have a price each, whatever the
        /// size of the prompt, so the first part takes all of them.
        /// </summary>
        public DayOfTokens Part(long part, long parts)
        {
            var tokens = Values[..5].Select(value => (value / parts) + (part <= value % parts ? 1 : 0));
            return new([.. tokens, part == 1 ? Searches : 0]);
        }
    }
}
