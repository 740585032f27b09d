namespace Factumerit.Ledger.Tests.Cli;

public sealed class ApiKeyCommandsTests : IAsyncLifetime
{
    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task A_new_key_is_shown_with_its_secret()
    {
        _ledger.Answers(201, """{"id":"k1","name":"bot","role":"bot","user_prefix":"vikunja:","key_prefix":"fk_12","created_at":"2026-01-02T00:00:00Z","revoked_at":null,"secret":"fk_12_secret"}""");

        var run = await FaRun.OfAsync(_ledger, "api-key", "create", "--name", "bot", "--role", "bot", "--user-prefix", "vikunja:");

        run.ShouldBe(new FaRun(0, """
            Id            k1
            Name          bot
            Role          bot
            User prefix   vikunja:
            May overdraw  no
            Secret        fk_12_secret
            Keep the secret now: it is not shown again.

            """, ""));
        _ledger.Request.Path.ShouldBe("/api-keys");
        _ledger.Request.Body.ShouldBe("""{"name":"bot","role":"bot","user_prefix":"vikunja:"}""");
    }

    [Fact]
    public async Task A_key_that_may_overdraw_is_asked_for_and_shown_as_such()
    {
        _ledger.Answers(201, """{"id":"k1","name":"gateway","role":"admin","user_prefix":null,"may_overdraw":true,"key_prefix":"fk_12","created_at":"2026-01-02T00:00:00Z","revoked_at":null,"secret":"fk_12_secret"}""");

        var run = await FaRun.OfAsync(_ledger, "api-key", "create", "--name", "gateway", "--role", "admin", "--may-overdraw");

        run.Stdout.ShouldContain("May overdraw  yes\n");
        _ledger.Request.Body.ShouldBe("""{"name":"gateway","role":"admin","may_overdraw":true}""");
    }

    [Fact]
    public async Task Keys_are_listed_without_secrets()
    {
        _ledger.Answers(200, """{"api_keys":[{"id":1,"name":"bot","role":"bot","user_prefix":null,"key_prefix":"fk_12","created_at":"2026-01-02T00:00:00Z","revoked_at":"2026-01-03T00:00:00Z"}]}""");

        var run = await FaRun.OfAsync(_ledger, "api-key", "list");

        run.ShouldBe(new FaRun(0, """
            ID  NAME  ROLE  USER PREFIX  OVERDRAWS  KEY    CREATED               REVOKED
            1   bot   bot   -            no         fk_12  2026-01-02 00:00:00Z  2026-01-03 00:00:00Z

            """, ""));
    }

    [Fact]
    public async Task A_key_is_revoked_by_its_id()
    {
        _ledger.Answers(200, """{"id":"k1","name":"bot","role":"bot","revoked_at":"2026-01-03T00:00:00Z"}""");

        var run = await FaRun.OfAsync(_ledger, "api-key", "revoke", "k1", "--yes");

        run.ShouldBe(new FaRun(0, "Revoked the key bot (k1).\n", ""));
        _ledger.Request.Method.ShouldBe("DELETE");
        _ledger.Request.Path.ShouldBe("/api-keys/k1");
    }
}
