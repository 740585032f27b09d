using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.LiteLlm;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>The service with a LiteLLM beside it, which it tells of users' keys by itself.</summary>
public class LiteLlmService : LedgerService
{
    public FakeProxy Fake { get; private set; } = null!;

    public OutboxWorker Worker => Get<OutboxWorker>();

    public VirtualKeyWatch Watch => Get<VirtualKeyWatch>();

    protected override string[] Configuration =>
        [$"--LiteLlm:BaseUrl={Fake.Url}", $"--LiteLlm:MasterKey={FakeProxy.MasterKey}", "--LiteLlm:OutboxPollMs=20",
            "--LiteLlm:WatchSeconds=0"];

    public override async Task InitializeAsync()
    {
        Fake = await FakeProxy.StartAsync();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await Fake.DisposeAsync();
    }

    /// <summary>A new key of a user.</summary>
    public async Task<VirtualKeyInTest> VirtualKeyAsync(string userId)
    {
        var made = (await PostAsync("/virtual-keys", new { user_id = userId, label = "a test's" })).Expect(201);
        var secret = made.Text("secret");
        return new VirtualKeyInTest(Guid.Parse(made.Text("virtual_key_id")), FakeKey.HashOf(secret), secret);
    }

    public Task GrantAsync(string userId, decimal cents) =>
        PostAsync("/grants", new { user_id = userId, amount_cents = cents }, Guid.NewGuid().ToString());

    public async Task UseAsync(string userId, decimal cents) =>
        (await PostAsync("/usage",
            new { user_id = userId, amount_cents = cents, request_id = Guid.NewGuid().ToString() })).Expect(201);

    /// <summary>A key as GET /virtual-keys shows it.</summary>
    public async Task<System.Text.Json.JsonElement> ShownAsync(string userId, Guid id) =>
        (await GetAsync($"/virtual-keys?user_id={Uri.EscapeDataString(userId)}")).Expect(200).List("virtual_keys")
            .Single(key => key.GetProperty("virtual_key_id").GetGuid() == id);

    public Task<string> StatusAsync(VirtualKeyInTest key) =>
        Database.ScalarAsync<string>($"SELECT status FROM virtual_keys WHERE id = '{key.Id}'");

    /// <summary>What LiteLLM has still to be told, as <c>action attempts</c>, in order.</summary>
    public Task<List<string>> OutboxAsync() =>
        Database.RowsAsync("SELECT payload->>'action' || ' ' || attempts FROM outbox ORDER BY id");

    /// <summary>Lets a pause be over.</summary>
    // In the writers' turn: rows that are updated in no order would now and then end in a deadlock with a commit.
    public Task EndPausesAsync() => Database.ExecuteAsync("""
        DO $$ BEGIN
            LOCK TABLE ledger_origin IN EXCLUSIVE MODE;
            UPDATE outbox SET next_attempt_at = clock_timestamp();
        END $$
        """);

    /// <summary>Makes it long ago that the making of keys began.</summary>
    public Task AgeAsync() => Database.ExecuteAsync(
        "UPDATE virtual_keys SET created_at = created_at - interval '2 minutes', "
        + "checked_at = checked_at - interval '1 day'");

    public static Task UntilAsync(Func<Task<bool>> isSo) => Chaos.ServiceProcess.UntilAsync(isSo);

    public static Task UntilAsync(Func<bool> isSo) => Chaos.ServiceProcess.UntilAsync(() => Task.FromResult(isSo()));
}

/// <summary>
/// The same, but the service calls LiteLLM only when the test says so, and retries a failed call only after the test
/// ended the pause.
/// </summary>
public sealed class StillLiteLlmService : LiteLlmService
{
    // A first pause is half a second or more. If the machine stalls for that long, the pause ends while the delivery is
    // still under way. The delivery then rightly tries once more, which is one time too many for a test that counts.
    private const string LongPauses = """
        CREATE FUNCTION pause_for_long() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.next_attempt_at := greatest(NEW.next_attempt_at, clock_timestamp() + interval '5 minutes');
            RETURN NEW;
        END $$;
        CREATE TRIGGER pause_for_long BEFORE UPDATE OF last_error ON outbox
            FOR EACH ROW EXECUTE FUNCTION pause_for_long()
        """;

    protected override string[] Configuration => [.. base.Configuration, "--LiteLlm:OutboxPollMs=0"];

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await Database.ExecuteAsync(LongPauses);
    }
}

/// <summary>A key as a test knows it.</summary>
public sealed record VirtualKeyInTest(Guid Id, string Hash, string Secret);
