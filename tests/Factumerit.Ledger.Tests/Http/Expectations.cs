using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Compares whole bodies with the contract, and reads what a request left in the database. It masks what differs from
/// run to run: ids made by the service as &lt;uuid&gt;, times in UTC as &lt;time&gt;, trace ids as &lt;trace&gt;.
/// </summary>
internal static partial class Expectations
{
    private static readonly JsonSerializerOptions Relaxed = new()
    { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Names, values and their order, exactly.</summary>
    public static void ShouldRead(this Reply reply, string json) => Mask(Plain(reply.Body)).ShouldBe(Plain(json));

    /// <summary>
    /// Compares the whole problem. <paramref name="more"/> has the members that not every problem has.
    /// </summary>
    public static void ShouldBeProblem(
        this Reply reply, int status, string code, string title, string detail, string more = "{}")
    {
        reply.ExpectProblem(status, code);
        var expected = new JsonObject
        {
            ["type"] = $"/problems/{code}",
            ["title"] = title,
            ["status"] = status,
            ["detail"] = detail,
            ["code"] = code,
            ["trace_id"] = "<trace>",
        };
        foreach (var (name, value) in JsonNode.Parse(more)!.AsObject())
            expected[name] = value?.DeepClone();
        reply.ShouldRead(expected.ToJsonString(Relaxed));
    }

    /// <summary>A validation problem that names exactly these fields.</summary>
    public static Reply ExpectErrors(this Reply reply, params string[] fields)
    {
        reply.ExpectProblem(400, "validation-failed").Json.GetProperty("errors")
            .EnumerateObject().Select(e => e.Name).ShouldBe(fields, ignoreOrder: true, reply.Body);
        return reply;
    }

    public static string[] FieldNames(this JsonElement json) => [.. json.EnumerateObject().Select(f => f.Name)];

    public static IReadOnlyList<JsonElement> List(this Reply reply, string field) =>
        [.. reply.Json.GetProperty(field).EnumerateArray()];

    public static string? Next(this Reply reply, string field) =>
        reply.Json.GetProperty(field) is { ValueKind: not JsonValueKind.Null } next ? next.ToString() : null;

    /// <summary>Rows and money of every table: the same before and after a request that left no trace (R10).</summary>
    public static Task<string> FootprintAsync(this TestDatabase database) => database.ScalarAsync<string>("""
        SELECT concat_ws(' ', (SELECT count(*) FROM ledger_entries), (SELECT count(*) FROM user_budgets),
            (SELECT sum(balance_cents) FROM user_budgets), (SELECT max(updated_at) FROM user_budgets),
            (SELECT count(*) FROM budget_transactions), (SELECT count(*) FROM llm_usage),
            (SELECT count(*) FROM idempotency_keys), (SELECT sum(debits_cents) FROM account_totals),
            (SELECT count(*) FROM api_keys), (SELECT count(*) FROM audit_log))
        """);

    private static string Plain(string json) => JsonNode.Parse(json)!.ToJsonString(Relaxed);

    private static string Mask(string json) =>
        TraceId().Replace(Time().Replace(Uuid().Replace(json, "<uuid>"), "\"<time>\""), "\"trace_id\":\"<trace>\"");

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")]
    private static partial Regex Uuid();

    [GeneratedRegex("""
        "2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"
        """)]
    private static partial Regex Time();

    [GeneratedRegex("""
        "trace_id":"[0-9A-Za-z:-]+"
        """)]
    private static partial Regex TraceId();
}
