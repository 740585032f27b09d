using System.Text;
using System.Text.Json;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Storage;
using Microsoft.AspNetCore.Builder;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Every code of the catalogue with its whole body. The tests of rate-limited and unavailable have their own services.
/// </summary>
public sealed class ProblemTests(ProblemTests.Broken service) : IClassFixture<ProblemTests.Broken>
{
    private const int MiB = 1024 * 1024;

    /// <summary>No request reaches internal-error as long as there is no bug: this route is one.</summary>
    public sealed class Broken : LedgerService
    {
        protected override void Map(WebApplication app)
        {
            app.MapGet("/broken", string () => throw new InvalidOperationException("a secret of the service"))
                .AllowAnonymous();
            app.MapGet("/unstorable", UnstorableAsync).AllowAnonymous();
        }

        // What validation keeps out, said to the database itself.
        private static async Task UnstorableAsync(LedgerDatabase database)
        {
            await using var command = database.Readers.CreateCommand("""SELECT '"\u0000"'::jsonb""");
            await command.ExecuteScalarAsync();
        }
    }

    [Fact]
    public async Task Validation_failed_names_every_field() =>
        (await service.PostAsync("/usage", """{"amount_cents":-1}""")).ShouldBeProblem(
            400, "validation-failed", "A field is missing, wrong or unknown",
            "user_id is required. amount_cents must not be negative. request_id is required (or, for a single usage, "
            + "the header Idempotency-Key): it names the call, so that a repeated report is billed only once.",
            """
            {"errors":{"user_id":["is required"],"amount_cents":["must not be negative"],
              "request_id":["is required (or, for a single usage, the header Idempotency-Key): it names the call, so
            """
            + """
             that a repeated report is billed only once"]}}
            """);

    [Fact]
    public async Task Text_that_the_database_cannot_store_is_the_callers_mistake() =>
        (await service.GetAsync("/unstorable")).ShouldBeProblem(
            400, "validation-failed", "A field is missing, wrong or unknown",
            "$ has a character that the database can't store, such as \\u0000.",
            """{"errors":{"$":["has a character that the database can't store, such as \\u0000"]}}""");

    [Fact]
    public async Task Malformed_request()
    {
        var reply = await service.PostAsync("/usage", "{\"user_id\":");

        var detail = reply.ExpectProblem(400, "malformed-request").Text("detail");
        detail.ShouldStartWith("The body is not one complete JSON value: ");
        detail.ShouldEndWith(" See line 1, byte 12.");
        reply.Json.FieldNames().ShouldBe(["type", "title", "status", "detail", "code", "trace_id"]);
    }

    [Fact]
    public async Task Texts_are_not_escaped_more_than_JSON_needs() =>
        (await service.GetAsync("/users/a%2Bb")).Body.ShouldContain("There is no user a+b");

    [Fact]
    public async Task Unauthorized_without_a_key() => (await service.GetAsync("/users", key: null)).ShouldBeProblem(
        401, "unauthorized", "A valid API key is required",
        "An API key is required: send it as Authorization: Bearer KEY.");

    [Fact]
    public async Task Unauthorized_with_a_wrong_key() =>
        (await service.GetAsync("/users", "fa_admin_00000000_0")).ShouldBeProblem(
            401, "unauthorized", "A valid API key is required", "The API key is unknown, expired or revoked.");

    [Fact]
    public async Task Forbidden_to_a_bound_key()
    {
        var bot = await service.KeyAsync("bot", "mine:");

        (await service.GetAsync("/users/other", bot)).ShouldBeProblem(
            403, "forbidden", "The key does not allow this",
            "This key is bound to users that begin with mine:, which other is not.");
    }

    [Fact]
    public async Task Insufficient_credit_says_that_the_user_is_unknown_R4_R6() =>
        (await service.PostAsync("/usage", new { user_id = "poor", amount_cents = 1, request_id = "r" }))
            .ShouldBeProblem(
            402, "insufficient-credit", "The user has not enough credit left",
            "No user poor is known yet, and an unknown user has 0 cents of credit; spending needs available credit "
            + "above 0. Grant credit, then send the same request again.",
            """{"balance_cents":0,"available_cents":0}""");

    [Fact]
    public async Task User_not_found() => (await service.GetAsync("/users/nobody")).ShouldBeProblem(
        404, "user-not-found", "User not found", "There is no user nobody. Check the id, or sign the user up first.");

    [Fact]
    public async Task Not_found() => (await service.GetAsync("/nowhere")).ShouldBeProblem(
        404, "not-found", "Not found", "There is no /nowhere. The routes are listed at /swagger.");

    [Fact]
    public async Task Method_not_allowed() =>
        (await service.SendAsync(HttpMethod.Put, "/users", null, null, LedgerService.AdminKey)).ShouldBeProblem(
            405, "method-not-allowed", "Method not allowed", "PUT is not allowed here: use GET, POST.");

    [Fact]
    public async Task Insufficient_anthropic_credits_tells_both_figures_R8() =>
        (await service.PostAsync("/users", new { user_id = "signup", initial_credit_cents = 100.5 })).ShouldBeProblem(
            409, "insufficient-anthropic-credits", "Provider credit does not cover the signup credit",
            "The signup credit of 100.5 cents exceeds the headroom of 0 cents. Book a purchase first.",
            """{"available_cents":0,"requested_cents":100.5}""");

    [Fact]
    public async Task User_deleted_R11()
    {
        (await service.PostAsync("/users", new { user_id = "gone" })).Expect(201);
        (await service.DeleteAsync("/users/gone")).Expect(200);

        (await service.PostAsync("/users", new { user_id = "gone" })).ShouldBeProblem(
            410, "user-deleted", "The user was deleted", "gone was deleted; its budget is closed for good.");
    }

    [Fact]
    public async Task Idempotency_key_reused_R9()
    {
        (await service.PostAsync("/write-downs", new { amount_cents = 0 }, "June's")).Expect(200);

        (await service.PostAsync("/write-downs", new { amount_cents = 1 }, "June's")).ShouldBeProblem(
            422, "idempotency-key-reused", "The idempotency key belongs to another request",
            "The idempotency key June's belongs to a request with a different body. "
            + "Repeat that request unchanged, or use a new key.");
    }

    [Theory]
    [InlineData("/users", MiB)]
    [InlineData("/usage", MiB)]
    [InlineData("/grants", MiB)]
    [InlineData("/api-keys", MiB)]
    [InlineData("/usage/batch", 4 * MiB)]
    [InlineData("/prices/import", 8 * MiB)]
    public async Task A_body_may_have_so_many_bytes_and_not_one_more(string path, int bytesMax)
    {
        (await PostAsync(path, bytesMax)).ExpectProblem(400, "validation-failed");
        (await PostAsync(path, bytesMax + 1)).ExpectProblem(413, "payload-too-large");
        (await PostAsync(path, bytesMax + 1, chunked: true)).ExpectProblem(413, "payload-too-large");
        (await PostAsync(path, 10 * MiB)).ShouldBeProblem(
            413, "payload-too-large", "The body is too large",
            $"Request body too large. The max request body size is {bytesMax} bytes. Send less at once.");
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/xml")]
    [InlineData(null)]
    public async Task Unsupported_media_type(string? mediaType)
    {
        foreach (var path in (string[])[
            "/users", "/usage", "/usage/batch", "/grants", "/purchases", "/write-downs", "/api-keys"])
        {
            using var body = new ByteArrayContent("{}"u8.ToArray());
            body.Headers.ContentType = mediaType is null ? null : new(mediaType);

            (await service.SendAsync(HttpMethod.Post, path, body, "k", LedgerService.AdminKey)).ShouldBeProblem(
                415, "unsupported-media-type", "The media type or encoding is not supported",
                "The body must be JSON, sent with Content-Type: application/json.");
        }
    }

    [Fact]
    public async Task Internal_error_tells_nothing_of_the_inside() =>
        (await service.GetAsync("/broken")).ShouldBeProblem(
            500, "internal-error", "Internal error",
            "The service failed. Look up the trace_id in its log.");

    [Fact]
    public async Task The_trace_is_the_callers_where_it_sends_one_and_else_the_requests_own()
    {
        const string sent = "0af7651916cd43dd8448eb211c80319c";

        (await TraceAsync($"00-{sent}-b7ad6b7169203331-01")).ShouldBe(sent);
        var own = await Task.WhenAll(TraceAsync(null), TraceAsync(null), TraceAsync("00-nonsense-00"));
        own.ShouldBeUnique();
        own.ShouldAllBe(trace => trace.Contains(':'),
            "the connection and the number of the request on it: no activity is begun for it");
    }

    private async Task<string> TraceAsync(string? parent)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(service.Url, "/nowhere"));
        if (parent is not null)
            request.Headers.Add("traceparent", parent);
        using var response = await client.SendAsync(request);
        return (await Reply.OfAsync(response)).ExpectProblem(401, "unauthorized").Text("trace_id");
    }

    [Fact]
    public async Task Every_code_is_explained_at_the_address_of_its_type()
    {
        foreach (var kind in ProblemCatalog.All)
            (await service.GetAsync($"/problems/{kind.Code}", key: null))
                .Expect(200).ShouldRead(JsonSerializer.Serialize(
                new { code = kind.Code, status = kind.Status, title = kind.Title, what_to_do = kind.WhatToDo }));
        (await service.GetAsync("/problems/none", key: null)).ExpectProblem(404, "not-found");
    }

    // Sends Expect: 100-continue, as a client should with a large body. Without it, the service hangs up while the
    // client still sends the rest.
    private async Task<Reply> PostAsync(string path, int bytes, bool chunked = false)
    {
        using var client = new HttpClient { BaseAddress = service.Url };
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent($"\"{new string('x', bytes - 2)}\"", Encoding.ASCII, "application/json"),
            Headers = { ExpectContinue = true, TransferEncodingChunked = chunked,
                Authorization = new("Bearer", LedgerService.AdminKey) },
        };
        using var response = await client.SendAsync(request);
        return await Reply.OfAsync(response);
    }
}
