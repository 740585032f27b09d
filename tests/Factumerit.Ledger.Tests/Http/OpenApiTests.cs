using System.Text.Json;
using Factumerit.Ledger.Api.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Compares the API page with the mapped routes: nothing is missing, and the service takes and answers what the
/// examples show.
/// </summary>
public sealed class OpenApiTests(LiteLlmService service) : IClassFixture<LiteLlmService>
{
    // Every route refuses query parameters that it does not read, with validation-failed.
    private static readonly string[] OfAnyKey = [
        "validation-failed", "unauthorized", "rate-limited", "internal-error", "unavailable"];
    private static readonly string[] OfABody = [
        "malformed-request", "request-timeout", "payload-too-large", "unsupported-media-type"];

    [Fact]
    public async Task Every_mapped_route_is_on_the_page()
    {
        var documented = await OperationsAsync();

        documented.Keys.ShouldBe(Mapped().Select(route => route.Name), ignoreOrder: true);
    }

    [Fact]
    public async Task The_page_begins_with_users_and_ends_with_health()
    {
        var tags = (await OperationsAsync())
            .Values.Select(operation => operation.GetProperty("tags")[0].GetString()).Distinct();

        tags.ShouldBe(["Users", "Usage", "Holds", "Intake", "Prices", "Credit", "Ledger", "Reports", "Virtual keys",
            "API keys",
            "Audit log", "Problems", "Health"]);
    }

    [Fact]
    public async Task Every_route_has_a_summary_says_who_may_call_it_and_shows_its_answer()
    {
        var documented = await OperationsAsync();
        foreach (var (name, endpoint) in Mapped())
        {
            documented[name].GetProperty("summary").GetString().ShouldNotBeNullOrWhiteSpace(name);
            documented[name].GetProperty("description").GetString()!.ShouldContain(
                endpoint.Metadata.GetMetadata<AllowedRoles>() is { } allowed
                    ? $"Roles: {string.Join(", ", allowed.Roles)}." : "For anyone.", customMessage: name);
            documented[name].ToString().ShouldContain("\"example\"", customMessage: name);
            AnswerExample(documented[name]).ValueKind.ShouldBe(JsonValueKind.Object, name);
            if (name.StartsWith("POST", StringComparison.Ordinal))
                RequestExample(documented[name]).ValueKind.ShouldBeOneOf(JsonValueKind.Object, JsonValueKind.Array);
        }
    }

    [Theory]
    [InlineData("POST /users", "insufficient-anthropic-credits", "user-deleted")]
    [InlineData("GET /users")]
    [InlineData("GET /users/{user_id}", "user-not-found")]
    [InlineData("GET /users/{user_id}/entries", "user-not-found")]
    [InlineData("GET /users/{user_id}/transactions", "user-not-found")]
    [InlineData("DELETE /users/{user_id}", "user-not-found")]
    [InlineData("POST /usage", "insufficient-credit", "not-found", "user-deleted", "idempotency-key-reused")]
    [InlineData("POST /holds", "insufficient-credit", "not-priceable", "user-deleted", "idempotency-key-reused")]
    [InlineData("POST /holds/{id}/increase", "insufficient-credit", "not-found", "hold-closed", "user-deleted",
        "idempotency-key-reused")]
    [InlineData("POST /holds/{id}/release", "not-found", "hold-closed")]
    [InlineData("GET /holds/{id}", "not-found")]
    [InlineData("GET /holds")]
    [InlineData("POST /usage/batch")]
    [InlineData("GET /usage/{usage_id}", "not-found")]
    [InlineData("GET /usage")]
    [InlineData("POST /usage/{usage_id}/bill", "not-found", "already-reviewed", "not-priceable", "user-deleted",
        "idempotency-key-reused")]
    [InlineData("POST /usage/{usage_id}/waive", "not-found", "already-reviewed", "idempotency-key-reused")]
    [InlineData("POST /usage/reprice")]
    [InlineData("POST /intake/litellm")]
    [InlineData("POST /intake/litellm/reconcile", "litellm-not-configured", "litellm-failed")]
    [InlineData("POST /prices/import")]
    [InlineData("GET /prices")]
    [InlineData("GET /prices/{model}", "not-found")]
    [InlineData("DELETE /prices/versions/{version}", "not-found", "not-cancellable")]
    [InlineData("POST /grants", "user-not-found", "user-deleted", "idempotency-key-reused")]
    [InlineData("POST /purchases", "idempotency-key-reused")]
    [InlineData("POST /write-downs", "insufficient-provider-credit", "idempotency-key-reused")]
    [InlineData("GET /ledger/balances")]
    [InlineData("GET /ledger/transactions/{id}", "not-found")]
    [InlineData("GET /ledger/integrity")]
    [InlineData("GET /ledger/faults")]
    [InlineData("POST /ledger/faults/{id}/resolve", "not-found")]
    [InlineData("GET /ledger/summary")]
    [InlineData("GET /ledger/headroom")]
    [InlineData("POST /virtual-keys", "user-not-found", "user-deleted", "litellm-not-configured", "litellm-failed")]
    [InlineData("GET /virtual-keys", "litellm-not-configured")]
    [InlineData("DELETE /virtual-keys/{id}", "not-found", "litellm-not-configured")]
    [InlineData("GET /reports/margin")]
    [InlineData("POST /api-keys")]
    [InlineData("GET /api-keys")]
    [InlineData("POST /api-keys/{id}/rotate", "not-found", "api-key-ended")]
    [InlineData("DELETE /api-keys/{id}", "not-found")]
    [InlineData("GET /audit-log")]
    public async Task Every_problem_that_a_route_can_answer_is_shown_under_its_status(string route, params string[] own)
    {
        var operation = (await OperationsAsync())[route];

        var shown = operation.GetProperty("responses").EnumerateObject()
            .Where(response => response.Value.TryGetProperty("content", out var content)
                && content.TryGetProperty("application/problem+json", out _))
            .SelectMany(response => response.Value.GetProperty("content")
                .GetProperty("application/problem+json").GetProperty("examples").EnumerateObject()
                .Select(example =>
                    (Status: response.Name, Code: example.Name, Problem: example.Value.GetProperty("value"))))
            .ToList();

        shown.Select(s => s.Code).ShouldBe(
            [.. OfAnyKey, .. ForbiddenOf(route), .. OfABodyOf(route), .. own], ignoreOrder: true);
        foreach (var (status, code, problem) in shown)
        {
            status.ShouldBe($"{ProblemCatalog.Find(code).Status}");
            problem.GetProperty("status").GetInt32().ShouldBe(ProblemCatalog.Find(code).Status);
            problem.GetProperty("code").GetString().ShouldBe(code);
            problem.FieldNames().ShouldBe(
                ["type", "title", "status", "detail", "code", "trace_id", .. Extensions(code)]);
        }
    }

    [Fact]
    public async Task The_examples_are_what_the_service_takes_and_answers()
    {
        var operations = await OperationsAsync();
        var ids = new Dictionary<string, string>
        { ["{user_id}"] = "vikunja:alice", ["{code}"] = "user-deleted", ["{model}"] = "claude-sonnet-4-20250514" };
        string[] order =
        [
            "POST /purchases", "POST /users", "POST /holds", "POST /holds/{id}/increase", "POST /usage",
            "POST /usage/batch", "POST /usage/{usage_id}/bill",
            "POST /usage/{usage_id}/waive", "POST /usage/reprice", "POST /intake/litellm",
            "POST /intake/litellm/reconcile", "POST /prices/import", "POST /grants",
            "POST /write-downs", "POST /virtual-keys", "POST /api-keys", "POST /api-keys/{id}/rotate",
            .. operations.Keys.Where(name => name.StartsWith("GET", StringComparison.Ordinal)),
            "POST /holds/{id}/release", "POST /ledger/faults/{id}/resolve", "DELETE /prices/versions/{version}",
            "DELETE /virtual-keys/{id}",
            "DELETE /api-keys/{id}", "DELETE /users/{user_id}",
        ];
        order.ShouldBe(operations.Keys, ignoreOrder: true);
        ids["fault"] = (await service.Database.ScalarAsync<long>("""
            INSERT INTO ledger_faults (found_at, last_seen_at, resolved_at, kind, subject, detail, resolved_by, reason)
            VALUES (now(), now(), now(), 'kind', 'subject', 'detail', 'root', 'reason') RETURNING id
            """)).ToString(System.Globalization.CultureInfo.InvariantCulture);

        foreach (var name in order)
        {
            // A review takes a usage that waits for it.
            if (name.EndsWith("/bill", StringComparison.Ordinal) || name.EndsWith("/waive", StringComparison.Ordinal))
                ids["{usage_id}"] = (await service.PostAsync(
                    "/usage", new { user_id = "u", request_id = name, billing_status = "needs_review" }))
                    .Expect(201).Text("usage_id");
            if (name == "DELETE /prices/versions/{version}")
                ids["{version}"] = await ImportAheadAsync();
            var path = ids.Where(id => id.Key.StartsWith('{'))
                .Aggregate(name.Split(' ')[1], (text, id) => text.Replace(id.Key, id.Value, StringComparison.Ordinal));
            path = path.Replace("{id}", ids.GetValueOrDefault(path.Split('/')[1] switch
            {
                "api-keys" => "key",
                "virtual-keys" => "virtual key",
                "holds" => "hold",
                "ledger" when path.Contains("/faults/") => "fault",
                _ => "transaction",
            }), StringComparison.Ordinal);
            var reply = name.Split(' ')[0] switch
            {
                "POST" => await service.PostAsync(
                    path, RequestExample(operations[name]).GetRawText(), $"example of {name}"),
                "DELETE" => await service.DeleteAsync(path),
                _ => await service.GetAsync(path),
            };
            reply.Status.ShouldBeOneOf(200, 201);
            operations[name].GetProperty("responses")
                .TryGetProperty($"{reply.Status}", out _).ShouldBeTrue($"{name} answered {reply.Status}");
            SameNames(AnswerExample(operations[name]), reply.Json, name);
            if (name == "POST /usage")
                (ids["{usage_id}"], ids["transaction"]) = (reply.Text("usage_id"), reply.Text("transaction_id"));
            if (name == "POST /holds")
                ids["hold"] = reply.Text("hold_id");
            if (name == "POST /virtual-keys")
                ids["virtual key"] = reply.Text("virtual_key_id");
            if (name == "POST /api-keys")
                ids["key"] = reply.Text("id");
        }
    }

    private async Task<string> ImportAheadAsync()
    {
        const string map = """{"claude-sonnet-4-20250514":{"input_cost_per_token":1,"output_cost_per_token":1}}""";
        var validFrom = DateTimeOffset.UtcNow.AddDays(1).UtcDateTime.ToString("O");
        return (await service.PostAsync($"/prices/import?valid_from={validFrom}&allow_gone=true", map)).Expect(200)
            .Json.GetProperty("version").ToString();
    }

    [Fact]
    public async Task Every_operation_has_a_name_of_its_own_for_generated_clients()
    {
        var names = (await OperationsAsync())
            .Values.Select(operation => operation.GetProperty("operationId").GetString()!).ToList();

        names.ShouldBeUnique();
        names.ShouldAllBe(name => name.Length > 5 && char.IsAsciiLetterLower(name[0]) && name.All(char.IsAsciiLetter));
    }

    [Fact]
    public async Task Answers_have_all_the_fields_that_the_page_says_are_always_there()
    {
        var document = (await service.GetAsync("/swagger/v1/swagger.json", key: null)).Expect(200).Json;
        foreach (var (name, operation) in await OperationsAsync())
        {
            var media = operation.GetProperty("responses")
                .EnumerateObject().First(response => response.Name is "200" or "201")
                .Value.GetProperty("content").GetProperty("application/json");
            Fits(media.GetProperty("example"), media.GetProperty("schema"), name);
        }

        // Examples are held against what the service answers elsewhere.
        void Fits(JsonElement value, JsonElement schema, string where)
        {
            while (schema.TryGetProperty("$ref", out var reference)
                || schema.TryGetProperty("allOf", out var all) && all[0].TryGetProperty("$ref", out reference))
            {
                if (value.ValueKind == JsonValueKind.Null && schema.TryGetProperty("nullable", out _))
                    return;
                schema = document.GetProperty("components")
                    .GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]);
            }
            // An object as its sender wrote it may be anything.
            if (!schema.TryGetProperty("type", out _))
                return;
            if (value.ValueKind == JsonValueKind.Null)
                schema.TryGetProperty("nullable", out var isNullable).ShouldBeTrue($"{where} is null");
            else if (value.ValueKind == JsonValueKind.Array)
                foreach (var item in value.EnumerateArray())
                    Fits(item, schema.GetProperty("items"), $"{where}[]");
            else if (value.ValueKind == JsonValueKind.Object && schema.TryGetProperty("properties", out var properties))
            {
                // A batch item has either a usage or a problem. A secret is shown once. Old grants don't say whether
                // they created the user.
                string[] notAlways = where.EndsWith("results[]", StringComparison.Ordinal)
                    ? ["usage", "problem"] : ["secret", "user_created"];
                schema.GetProperty("required").EnumerateArray().Select(field => field.GetString()).ShouldBe(
                    value.FieldNames().Except(notAlways), ignoreOrder: true, where);
                foreach (var field in value.EnumerateObject())
                    Fits(field.Value, properties.GetProperty(field.Name), $"{where}: {field.Name}");
            }
            else if (schema.TryGetProperty("enum", out var words))
                words.EnumerateArray().Select(word => word.GetString()).ShouldContain(value.GetString(), where);
        }
    }

    [Theory]
    [InlineData("GrantRequest", "amount_cents", true)]
    [InlineData("PurchaseRequest", "credits_cents", true)]
    [InlineData("PurchaseRequest", "sales_tax_cents", false)]
    [InlineData("UsageRequest", "amount_cents", false)]
    public async Task The_page_says_which_amounts_may_be_0(string request, string field, bool isAboveZero)
    {
        var schema = (await service.GetAsync("/swagger/v1/swagger.json", key: null)).Expect(200).Json
            .GetProperty("components").GetProperty("schemas").GetProperty(request).GetProperty("properties")
            .GetProperty(field);
        schema.GetProperty("minimum").GetDecimal().ShouldBe(0);
        schema.TryGetProperty("exclusiveMinimum", out var exclusive).ShouldBe(isAboveZero);
        if (isAboveZero)
            exclusive.GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public void Every_type_of_a_body_has_source_generated_json()
    {
        var types = service.Routes.SelectMany(route => route.Metadata).Select(metadata => metadata switch
        {
            IAcceptsMetadata accepts => accepts.RequestType,
            IProducesResponseTypeMetadata produces => produces.Type,
            _ => null,
        }).OfType<Type>().Select(type => type.IsArray ? type.GetElementType()! : type)
            .Where(type => type != typeof(void)).Distinct().ToList();

        types.Count.ShouldBeGreaterThan(15);
        foreach (var type in types)
            LedgerJson.Default.GetTypeInfo(type).ShouldNotBeNull($"{type} is missing in LedgerJson");
    }

    // Keys of every role may read prices, and the holds of the users that they may access.
    private static string[] ForbiddenOf(string route) =>
        route.StartsWith("GET /prices", StringComparison.Ordinal) || route == "GET /holds/{id}" ? [] : ["forbidden"];

    private static string[] OfABodyOf(string route) =>
        route.StartsWith("POST", StringComparison.Ordinal) ? OfABody : [];

    private static string[] Extensions(string code) => code switch
    {
        "validation-failed" => ["errors"],
        "insufficient-credit" => ["balance_cents", "available_cents"],
        "hold-closed" => ["state"],
        "insufficient-anthropic-credits" or "insufficient-provider-credit" => ["available_cents", "requested_cents"],
        _ => [],
    };

    private static void SameNames(JsonElement example, JsonElement answer, string where)
    {
        if (example.ValueKind == JsonValueKind.Object && answer.ValueKind == JsonValueKind.Object)
        {
            answer.FieldNames().ShouldBe(example.FieldNames(), where);
            foreach (var field in example.EnumerateObject())
                SameNames(field.Value, answer.GetProperty(field.Name), $"{where}: {field.Name}");
        }
        else if (example.ValueKind == JsonValueKind.Array && example.GetArrayLength() > 0)
            SameNames(example[0], answer[0], where);
        else if (example.ValueKind != JsonValueKind.Null && answer.ValueKind != JsonValueKind.Null)
            (Kind(answer) == Kind(example)).ShouldBeTrue($"{where}: {answer} is not of the kind of {example}");

        static JsonValueKind Kind(JsonElement value) =>
            value.ValueKind == JsonValueKind.False ? JsonValueKind.True : value.ValueKind;
    }

    private static JsonElement RequestExample(JsonElement operation) =>
        operation.GetProperty("requestBody")
            .GetProperty("content").GetProperty("application/json").GetProperty("example");

    private static JsonElement AnswerExample(JsonElement operation) =>
        operation.GetProperty("responses").EnumerateObject()
            .First(response => response.Name is "200" or "201")
            .Value.GetProperty("content").GetProperty("application/json").GetProperty("example");

    private async Task<Dictionary<string, JsonElement>> OperationsAsync() =>
        (await service.GetAsync("/swagger/v1/swagger.json", key: null))
            .Expect(200).Json.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(
                verb => (Name: $"{verb.Name.ToUpperInvariant()} {path.Name}", verb.Value)))
            .ToDictionary(operation => operation.Name, operation => operation.Value);

    private IEnumerable<(string Name, RouteEndpoint Endpoint)> Mapped() =>
        from endpoint in service.Routes
        from verb in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
        where endpoint.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is not { ExcludeFromDescription: true }
        select ($"{verb} /" + endpoint.RoutePattern.RawText!
            .Replace(":guid", "", StringComparison.Ordinal).Replace(":long", "", StringComparison.Ordinal)
            .Replace("{**", "{", StringComparison.Ordinal).Trim('/'), endpoint);
}
