using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Factumerit.Ledger.FakeLiteLlm;

/// <summary>
/// LiteLLM's spend logs: the old endpoint, by days and summed up unless told otherwise, and the paged one.
/// </summary>
internal static class SpendEndpoints
{
    private const int PageSizeMax = 100;

    public static void Map(IEndpointRouteBuilder routes, FakeProxy fake)
    {
        routes.MapGet(
            "/spend/logs",
            (string? start_date, string? end_date, bool? summarize, string? api_key, string? request_id) =>
                fake.LogsAnswer is { } answer ? Results.Text(answer(0), "application/json")
                : Logs(fake, start_date, end_date, summarize ?? true, api_key, request_id));
        routes.MapGet(
            "/spend/logs/v2",
            (string? start_date, string? end_date, int? page, int? page_size, string? api_key, string? sort_order) =>
                fake is { HasPagedLogs: true, LogsAnswer: { } answer }
                ? Results.Text(answer(page ?? 1), "application/json")
                : fake.HasPagedLogs ? Page(fake, start_date, end_date, page ?? 1, page_size ?? 50, api_key, sort_order)
                : Results.Json(new JsonObject { ["detail"] = "Not Found" }, statusCode: 404));
    }

    private static IResult Logs(
        FakeProxy fake, string? startDate, string? endDate, bool isSummary, string? apiKey, string? requestId)
    {
        const string format = "yyyy-MM-dd";
        if (!TryParse(startDate, format, DateTimeOffset.MinValue, out var start)
            || !TryParse(endDate, format, DateTimeOffset.MaxValue, out var end))
            return FakeProxy.Refuse(
                400, "start_date and end_date must be YYYY-MM-DD", "bad_request_error", "start_date");
        // The end is the beginning of that day.
        var rows = Rows(fake, start, end, apiKey)
            .Where(r => requestId is null || r["request_id"]!.GetValue<string>() == requestId);
        if (!isSummary || startDate is null || endDate is null)
            return Results.Json(new JsonArray([.. rows]));
        var days = rows.GroupBy(r => r["startTime"]!.GetValue<string>()[..10])
            .OrderBy(d => d.Key, StringComparer.Ordinal)
            .Select(day => new JsonObject
            {
                ["startTime"] = day.Key,
                ["spend"] = day.Sum(Spend),
                ["users"] = Sums(day, "user"),
                ["models"] = Sums(day, "model"),
            });
        return Results.Json(new JsonArray([.. days]));
    }

    private static IResult Page(
        FakeProxy fake, string? startDate, string? endDate, int page, int pageSize, string? apiKey, string? sortOrder)
    {
        const string format = "yyyy-MM-dd HH:mm:ss";
        if (startDate is null
            || endDate is null
            || !TryParse(startDate, format, default, out var start)
            || !TryParse(endDate, format, default, out var end))
            return FakeProxy.Refuse(
                400,
                "Start date and end date are required, as YYYY-MM-DD HH:MM:SS",
                "bad_request_error",
                "start_date");
        var rows = Rows(fake, start, end, apiKey)
            .OrderBy(r => r["startTime"]!.GetValue<string>(), StringComparer.Ordinal).ToList();
        if (sortOrder != "asc")
            rows.Reverse();
        pageSize = Math.Min(pageSize, PageSizeMax);
        return Results.Json(new JsonObject
        {
            ["data"] = new JsonArray([.. rows.Skip((page - 1) * pageSize).Take(pageSize)]),
            ["total"] = rows.Count,
            ["page"] = page,
            ["page_size"] = pageSize,
            ["total_pages"] = (rows.Count + pageSize - 1) / pageSize,
        });
    }

    private static List<JsonObject> Rows(FakeProxy fake, DateTimeOffset start, DateTimeOffset end, string? apiKey)
    {
        lock (fake.Calls)
            return [.. fake.Calls
                .Where(c => c.Call.StartTime >= start
                    && c.Call.StartTime <= end
                    && (apiKey is null || c.Key?.Token == FakeKey.HashOf(apiKey)))
                .Select(c => c.Call.ToSpendLog(c.Key))];
    }

    private static JsonObject Sums(IEnumerable<JsonObject> rows, string by) =>
        new(rows.GroupBy(r => r[by]!.GetValue<string>())
            .Select(g => KeyValuePair.Create(g.Key, (JsonNode?)g.Sum(Spend))));

    private static decimal Spend(JsonObject row) => row["spend"]!.GetValue<decimal>();

    private static bool TryParse(string? text, string format, DateTimeOffset otherwise, out DateTimeOffset time)
    {
        time = otherwise;
        return text is null
            || DateTimeOffset.TryParseExact(
                text, format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);
    }
}
