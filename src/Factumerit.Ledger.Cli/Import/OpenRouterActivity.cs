using System.Globalization;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// OpenRouter's activity export: a row for each generation, with OpenRouter's charge for it. <c>cost_total</c> is the
/// whole charge, with cache discounts and searches. It doesn't include a provider's own charge on a key of ours
/// (BYOK). That charge is a usage of its own, at that provider.
/// </summary>
internal sealed class OpenRouterActivity(string? user) : ProviderExport(user)
{
    private const string ProviderName = "openrouter";
    private const int ProviderLengthMax = 40;

    protected override string Title => "an activity export of OpenRouter";

    protected override IReadOnlyList<string> Required =>
        [
            "generation_id", "created_at", "cost_total", "byok_usage_inference",
            "tokens_prompt", "tokens_completion", "model_permaslug",
        ];

    public override IEnumerable<UsageRow> Read(CsvRow row)
    {
        if (FindFault(row) is { } fault)
            return [UsageRow.Faulty(row.Line, fault)];
        if (!TryFindUser(row.Line, out var userId, out var noUser, row["user"], row["api_key_name"]))
            return [noUser!];
        var id = row["generation_id"]!;
        var usage = ToUsage(row, userId, id);
        return IsCharged(row["byok_usage_inference"]) ? [usage, ToOwnKeyUsage(row, userId, $"{id}:byok")] : [usage];
    }

    private static string? FindFault(CsvRow row)
    {
        if (row["generation_id"] is null)
            return "generation_id is empty";
        if (FindNotNumber("cost_total", row["cost_total"]) is { } fault)
            return fault;
        if (row["byok_usage_inference"] is { } own && FindNotNumber("byok_usage_inference", own) is { } ownFault)
            return ownFault;
        return FindNotCounts(row, ["tokens_prompt", "tokens_completion", "tokens_reasoning", "tokens_cached"]);
    }

    private static UsageRow ToUsage(CsvRow row, string userId, string requestId)
    {
        var (prompt, completion) = (Tokens(row["tokens_prompt"])!.Value, Tokens(row["tokens_completion"])!.Value);
        var (cached, reasoning) = (Tokens(row["tokens_cached"])!.Value, Tokens(row["tokens_reasoning"])!.Value);
        using var body = Begin(row, userId, requestId);
        body.Text("provider", ProviderName)
            .Number("provider_cost_usd", row["cost_total"])
            .Number("prompt_tokens", Digits(prompt))
            .Number("completion_tokens", Digits(completion));
        // Providers count these with their own tokenizers. The cost is known, so a part that exceeds its whole is left
        // out instead of refusing the row.
        if (cached > 0 && cached <= prompt)
            body.Number("cache_read_tokens", Digits(cached));
        if (reasoning > 0 && reasoning <= completion)
            body.Number("reasoning_tokens", Digits(reasoning));
        return ToRow(row.Line, body, userId, requestId);
    }

    // The tokens stay with the generation's usage, so they are counted once.
    private static UsageRow ToOwnKeyUsage(CsvRow row, string userId, string requestId)
    {
        using var body = Begin(row, userId, requestId);
        body.Text("provider", ToProvider(row["provider_name"]))
            .Number("provider_cost_usd", row["byok_usage_inference"])
            .Text("description", "On a key of our own at the provider, through OpenRouter");
        return ToRow(row.Line, body, userId, requestId);
    }

    private static JsonBody Begin(CsvRow row, string userId, string requestId) => new JsonBody()
        .Text("user_id", userId)
        .Text("request_id", requestId)
        .Text("model", row["model_permaslug"])
        .Text("occurred_at", row["created_at"]);

    private static bool IsCharged(string? costUsd) =>
        costUsd is not null
        && decimal.TryParse(costUsd, NumberStyles.Float, CultureInfo.InvariantCulture, out var usd)
        && usd > 0;

    // "Google AI Studio" is booked as google-ai-studio. A name that gives no valid provider name is left out.
    private static string? ToProvider(string? name)
    {
        var letters = (name ?? "").ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' ? c : '-');
        var provider = string.Concat(letters).Trim('-');
        return provider.Length is > 0 and <= ProviderLengthMax && char.IsAsciiLetterLower(provider[0])
            ? provider
            : null;
    }
}
