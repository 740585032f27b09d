namespace Factumerit.Ledger.Tests.Cli;

public sealed class VirtualKeyCommandsTests : IAsyncLifetime
{
    private const string Id = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a61";

    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task A_new_key_is_shown_with_its_secret()
    {
        _ledger.Answers(201, Key("active", secret: "sk-secret"));

        var run = await FaRun.OfAsync(
            _ledger, "virtual-key", "create", "alice", "--label", "editor", "--model", "m1", "--model", "m2",
            "--max-budget-usd", "12.50", "--expires-at", "2035-01-01");

        run.ShouldBe(new FaRun(0, $"""
            Id      {Id}
            User    alice
            Label   editor
            Alias   factumerit-1
            Status  active
            Secret  sk-secret
            Keep the secret now: it is not shown again.

            """, ""));
        _ledger.Request.Path.ShouldBe("/virtual-keys");
        _ledger.Request.Body.ShouldBe(
            """
            {"user_id":"alice","label":"editor","models":["m1","m2"],"max_budget_usd":12.50,"expires_at":"2035-01-01"}
            """);
    }

    [Fact]
    public async Task Keys_are_listed_with_what_is_pending()
    {
        const string stuck =
            """
            {"action":"block","attempts":3,"since":"2026-01-02T00:00:00Z","next_attempt_at":"2026-01-02T00:00:09Z",
             "last_error":"LiteLLM answered 500"}
            """;
        _ledger.Answers(200,
            $$"""
            {"virtual_keys":[{{Key("active", isBlocked: true)}},{{Key("active", pending: stuck)}}],"next_after":null}
            """);

        var run = await FaRun.OfAsync(_ledger, "virtual-key", "list", "--user", "a:b");

        run.ShouldBe(new FaRun(
            0,
            "ID                                    USER   LABEL   KEY         STATUS   "
            + "PENDING                                  CREATED               EXPIRES\n"
            + $"{Id}  alice  editor  sk-...9xQw  blocked  "
            + "-                                        2026-01-02 00:00:00Z  -\n"
            + $"{Id}  alice  editor  sk-...9xQw  active   "
            + "block, 3 attempts: LiteLLM answered 500  2026-01-02 00:00:00Z  -\n",
            ""));
        _ledger.Request.Path.ShouldBe("/virtual-keys?user_id=a%3Ab&limit=1000");
    }

    [Theory]
    [InlineData("revoking", "Revoked the key editor of alice; LiteLLM has not deleted it yet.\n")]
    [InlineData("revoked", "The key editor of alice is revoked.\n")]
    public async Task A_key_is_revoked_by_its_id(string status, string said)
    {
        _ledger.Answers(200, Key(status));

        var run = await FaRun.OfAsync(_ledger, "virtual-key", "revoke", Id, "--yes");

        run.ShouldBe(new FaRun(0, said, ""));
        (_ledger.Request.Method, _ledger.Request.Path).ShouldBe(("DELETE", $"/virtual-keys/{Id}"));
    }

    [Fact]
    public async Task What_is_no_id_is_not_sent()
    {
        var run = await FaRun.OfAsync(_ledger, "virtual-key", "revoke", "all", "--yes");

        run.ExitCode.ShouldBe(2);
        _ledger.Requests.ShouldBeEmpty();
    }

    private static string Key(
        string status, bool isBlocked = false, string pending = "null", string? secret = null) => $$"""
        {"virtual_key_id":"{{Id}}","user_id":"alice","label":"editor","alias":"factumerit-1","key_name":"sk-...9xQw",
         "models":null,"max_budget_usd":null,"expires_at":null,
         "status":"{{status}}","is_blocked":{{(isBlocked ? "true" : "false")}},
         "created_at":"2026-01-02T00:00:00Z","revoked_at":null,
         "last_error":null,"pending":{{pending}}{{(secret is null ? "" : $",\"secret\":\"{secret}\"")}}}
        """;
}
