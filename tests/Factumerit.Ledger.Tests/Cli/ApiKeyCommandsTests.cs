namespace Factumerit.Ledger.Tests.Cli;

public sealed class ApiKeyCommandsTests : IAsyncLifetime
{
    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task A_new_key_is_shown_with_its_secret()
    {
        _ledger.Answers(201,
            """
            {"id":"0190a1b2-0000-7000-8000-0000000000a1","name":"bot","role":"bot","user_prefix":"vikunja:",
             "key_prefix":"fk_12",
             "created_at":"2026-01-02T00:00:00Z","revoked_at":null,"secret":"fk_12_secret"}
            """);

        var run = await FaRun.OfAsync(
            _ledger, "api-key", "create", "--name", "bot", "--role", "bot", "--user-prefix", "vikunja:");

        run.ShouldBe(new FaRun(0, """
            Id            0190a1b2-0000-7000-8000-0000000000a1
            Name          bot
            Role          bot
            User prefix   vikunja:
            May overdraw  no
            May intake    no
            Expires       -
            Secret        fk_12_secret
            Keep the secret now: it is not shown again.

            """, ""));
        _ledger.Request.Path.ShouldBe("/api-keys");
        _ledger.Request.Body.ShouldBe("""{"name":"bot","role":"bot","user_prefix":"vikunja:"}""");
    }

    [Fact]
    public async Task A_key_that_may_overdraw_is_asked_for_and_shown_as_such()
    {
        _ledger.Answers(201,
            """
            {"id":"0190a1b2-0000-7000-8000-0000000000a1","name":"gateway","role":"admin","user_prefix":null,
             "may_overdraw":true,"key_prefix":"fk_12",
             "created_at":"2026-01-02T00:00:00Z","revoked_at":null,"secret":"fk_12_secret"}
            """);

        var run = await FaRun.OfAsync(
            _ledger, "api-key", "create", "--name", "gateway", "--role", "admin", "--may-overdraw");

        run.Stdout.ShouldContain("May overdraw  yes\n");
        _ledger.Request.Body.ShouldBe("""{"name":"gateway","role":"admin","may_overdraw":true}""");
    }

    [Fact]
    public async Task Keys_are_listed_without_secrets()
    {
        _ledger.Answers(200,
            """
            {"api_keys":[{"id":"0190a1b2-0000-7000-8000-0000000000a1","name":"bot","role":"bot","user_prefix":null,
             "key_prefix":"fk_12",
             "created_at":"2026-01-02T00:00:00Z","revoked_at":"2026-01-03T00:00:00Z"}]}
            """);

        var run = await FaRun.OfAsync(_ledger, "api-key", "list");

        run.ShouldBe(new FaRun(
            0,
            "ID                                    NAME  ROLE  USER PREFIX  OVERDRAWS  INTAKE  KEY    MADE BY  "
            + "CREATED               LAST USED  EXPIRES  REVOKED\n"
            + "0190a1b2-0000-7000-8000-0000000000a1  bot   bot   -            no         no      fk_12  -        "
            + "2026-01-02 00:00:00Z  -          -        2026-01-03 00:00:00Z\n",
            ""));
    }

    [Fact]
    public async Task Keys_for_programs_are_one_array_as_every_list_is()
    {
        _ledger.Answers(200, """{"api_keys":[{"id":"1","name":"a"},{"id":"2","name":"b"}]}""");

        var run = await FaRun.OfAsync(_ledger, "api-key", "list", "--json");

        run.ShouldBe(new FaRun(0, "[{\"id\":\"1\",\"name\":\"a\"},\n{\"id\":\"2\",\"name\":\"b\"}]\n", ""));
        _ledger.Request.Path.ShouldBe("/api-keys");
    }

    [Fact]
    public async Task Keys_from_before_an_upgrade_that_may_do_much_are_warned_of()
    {
        _ledger.Answers(200, """
            {"api_keys":[
                {"id":"0190a1b2-0000-7000-8000-0000000000a1","name":"old","role":"bot","user_prefix":"vik*",
                  "may_intake":true,"made_by":null},
                {"id":"0190a1b2-0000-7000-8000-0000000000a2","name":"new","role":"bot","user_prefix":"vik*",
                  "may_intake":true,
                  "made_by":{"api_key_id":null,"name":"bootstrap"}},
                {"id":"0190a1b2-0000-7000-8000-0000000000a3","name":"ended","role":"bot","user_prefix":"vik*",
                  "made_by":null,
                  "revoked_at":"2026-01-03T00:00:00Z"},
                {"id":"0190a1b2-0000-7000-8000-0000000000a4","name":"plain","role":"bot","user_prefix":"vikunja:",
                  "made_by":null}]}
            """);

        var run = await FaRun.OfAsync(_ledger, "api-key", "list");

        run.Stdout.Split('\n').Where(line => line.StartsWith("Warning", StringComparison.Ordinal)).ShouldBe([
            "Warning: the key old (0190a1b2-0000-7000-8000-0000000000a1) is from before an upgrade and has access "
                + "to every user whose id begins with vik "
                + "and may send in calls from LiteLLM. Replace it if it does not need that."]);
    }

    [Fact]
    public async Task A_key_is_rotated_by_its_id()
    {
        _ledger.Answers(200,
            """
            {"id":"0190a1b2-0000-7000-8000-0000000000a1","name":"bot","role":"bot",
             "old_secret_ends_at":"2026-01-03T00:00:00Z","secret":"fk_13_secret"}
            """);

        var run = await FaRun.OfAsync(
            _ledger, "api-key", "rotate", "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c", "--overlap-seconds", "60", "--yes");

        run.Stdout.ShouldEndWith("Secret        fk_13_secret\n"
            + "The previous secret works until 2026-01-03 00:00:00Z.\nKeep the secret now: it is not shown again.\n");
        (_ledger.Request.Method, _ledger.Request.Path, _ledger.Request.Body)
            .ShouldBe(("POST", "/api-keys/019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c/rotate", """{"overlap_seconds":60}"""));
    }

    [Fact]
    public async Task The_audit_log_is_shown_newest_first()
    {
        _ledger.Answers(200,
            """
            {"changes":[{"id":7,"at":"2026-01-02T00:00:00Z",
             "by":{"api_key_id":"0190a1b2-0000-7000-8000-0000000000a1","name":"ann"},
             "action":"api_key.revoked","subject":"k2","detail":null}],"next_before":null}
            """);

        var run = await FaRun.OfAsync(_ledger, "audit-log", "--action", "api_key.revoked");

        run.ShouldBe(new FaRun(0, """
            TIME                  BY   ACTION           SUBJECT  DETAIL
            2026-01-02 00:00:00Z  ann  api_key.revoked  k2       -

            """, ""));
        _ledger.Request.Path.ShouldBe("/audit-log?action=api_key.revoked&limit=50");
    }

    [Fact]
    public async Task A_key_is_revoked_by_its_id()
    {
        _ledger.Answers(200,
            """
            {"id":"0190a1b2-0000-7000-8000-0000000000a1","name":"bot","role":"bot",
             "revoked_at":"2026-01-03T00:00:00Z"}
            """);

        var run = await FaRun.OfAsync(_ledger, "api-key", "revoke", "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c", "--yes");

        run.ShouldBe(new FaRun(0, "Revoked the key bot (0190a1b2-0000-7000-8000-0000000000a1).\n", ""));
        _ledger.Request.Method.ShouldBe("DELETE");
        _ledger.Request.Path.ShouldBe("/api-keys/019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c");
    }
}
