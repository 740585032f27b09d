using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.LiteLlm;
using Factumerit.Ledger.Outbox;
using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Tests.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// The worker empties the outbox step by step: order, pauses, claims, and keys that LiteLLM does not know (R20).
/// </summary>
public sealed class OutboxWorkerTests : IAsyncLifetime
{
    private readonly StillLiteLlmService _service = new();

    public Task InitializeAsync() => _service.InitializeAsync();

    public Task DisposeAsync() => _service.DisposeAsync();

    [Theory]
    [InlineData(FakeTrouble.Error, "LiteLLM answered 500: Internal Server Error, the database is away.")]
    [InlineData(FakeTrouble.Cut, "The connection to LiteLLM ended before its answer was complete.")]
    public async Task What_LiteLLM_fails_to_do_stays_in_the_outbox_and_is_seen_there(FakeTrouble trouble, string error)
    {
        var (user, key) = await UsedUpAsync();
        _service.Fake.Script("/key/block", trouble, count: 3);

        (await DeliverAsync()).ShouldBe(1);

        (await _service.OutboxAsync()).ShouldBe(["block 1"]);
        var shown = await _service.ShownAsync(user, key.Id);
        shown.GetProperty("is_blocked").GetBoolean().ShouldBeFalse();
        var pending = shown.GetProperty("pending");
        pending.FieldNames().ShouldBe(["action", "attempts", "since", "next_attempt_at", "last_error"]);
        pending.GetProperty("attempts").GetInt32().ShouldBe(1);
        pending.GetProperty("last_error").GetString().ShouldBe(error);
        pending.GetProperty("next_attempt_at").GetDateTimeOffset()
            .ShouldBeGreaterThan(pending.GetProperty("since").GetDateTimeOffset());

        await _service.EndPausesAsync();
        (await DeliverAsync()).ShouldBe(1);
        (await _service.OutboxAsync()).ShouldBeEmpty();
        (await _service.ShownAsync(user, key.Id)).GetProperty("is_blocked").GetBoolean().ShouldBeTrue();
        // What was sent more than once may be done late: the key is looked at soon.
        (await _service.Database.ScalarAsync<bool>("SELECT checked_at IS NULL FROM virtual_keys")).ShouldBeTrue();
    }

    [Fact]
    public async Task R20_a_keys_entries_are_delivered_in_order_and_none_before_the_one_that_failed()
    {
        var (user, key) = await UsedUpAsync();
        await _service.GrantAsync(user, 100);
        _service.Fake.Script("/key/block", FakeTrouble.Error, count: 3);

        await DeliverAsync();

        (await _service.OutboxAsync()).ShouldBe(["block 1", "unblock 0"]);
        _service.Fake.RequestsTo("/key/unblock").ShouldBe(0);
        await _service.EndPausesAsync();
        (await DeliverAsync()).ShouldBe(2);
        _service.Fake.Find(key.Hash).ShouldNotBeNull().IsBlocked.ShouldBeFalse();
        (await _service.OutboxAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Revoking_a_key_does_not_wait_for_what_it_was_to_be_told_before()
    {
        var (_, key) = await UsedUpAsync();
        _service.Fake.Script("/key/block", FakeTrouble.Error, count: 3);
        await DeliverAsync();

        (await _service.DeleteAsync($"/virtual-keys/{key.Id}")).Expect(200).Text("status").ShouldBe("revoking");

        (await _service.OutboxAsync()).ShouldBe(["delete 0"]);
        await DeliverAsync();
        _service.Fake.Keys.ShouldBeEmpty();
        (await _service.StatusAsync(key)).ShouldBe("revoked");
    }

    [Fact]
    public async Task A_key_that_LiteLLM_does_not_know_any_more_counts_as_revoked()
    {
        var (user, key) = await UsedUpAsync();
        _service.Fake.Keys.Clear();

        await DeliverAsync();

        (await _service.OutboxAsync()).ShouldBeEmpty();
        var shown = await _service.ShownAsync(user, key.Id);
        shown.GetProperty("status").GetString().ShouldBe("revoked");
        shown.GetProperty("last_error").GetString().ShouldBe("The gateway no longer knows this key.");
    }

    [Fact]
    public async Task An_address_where_no_LiteLLM_is_ends_no_key()
    {
        var (_, key) = await UsedUpAsync();
        var elsewhere = Worker(
            new LiteLlmOptions { BaseUrl = $"{_service.Fake.Url}/elsewhere", MasterKey = FakeProxy.MasterKey });

        await elsewhere.DeliverAsync(CancellationToken.None);

        (await _service.OutboxAsync()).ShouldBe(["block 1"]);
        (await _service.StatusAsync(key)).ShouldBe("active");
    }

    [Fact]
    public async Task An_entry_is_claimed_by_one_and_free_again_when_its_claim_runs_out()
    {
        await UsedUpAsync();
        var outbox = _service.Get<OutboxStore>();

        var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => outbox.ClaimAsync(
            VirtualKeyChanges.OutboxKind, 4, TimeSpan.FromMinutes(1), CancellationToken.None)));

        claims.SelectMany(c => c).ShouldHaveSingleItem().Attempts.ShouldBe(1);
        await _service.EndPausesAsync();
        (await outbox.ClaimAsync(VirtualKeyChanges.OutboxKind, 4, TimeSpan.FromMinutes(1), CancellationToken.None))
            .ShouldHaveSingleItem().Attempts.ShouldBe(2);
    }

    [Fact]
    public async Task A_pause_doubles_up_to_5_minutes_and_is_as_long_as_LiteLLM_asks_for()
    {
        foreach (var (attempts, seconds) in new[] { (1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (1000, 300) })
            OutboxWorker.PauseAfter(attempts, null)
                .ShouldBeInRange(TimeSpan.FromSeconds(seconds / 2d), TimeSpan.FromSeconds(seconds));
        OutboxWorker.PauseAfter(1, TimeSpan.FromSeconds(77)).ShouldBe(TimeSpan.FromSeconds(77));
        OutboxWorker.PauseAfter(1, TimeSpan.FromDays(77)).ShouldBe(TimeSpan.FromHours(1));

        var (user, key) = await UsedUpAsync();
        _service.Fake.Script("/key/block", FakeTrouble.Busy, retryAfterSeconds: 600);
        await DeliverAsync();
        (await _service.Database.ScalarAsync<bool>(
            "SELECT next_attempt_at > clock_timestamp() + interval '9 minutes' FROM outbox")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_key_that_is_stuck_is_told_once_in_the_log()
    {
        var (_, key) = await UsedUpAsync();
        var log = new Lines();
        var worker = Worker(_service.Get<IOptions<LiteLlmOptions>>().Value, log);
        _service.Fake.Script("/key/block", FakeTrouble.Error, count: 9);

        await worker.DeliverAsync(CancellationToken.None);
        log.Texts.ShouldBeEmpty();
        await _service.Database.ExecuteAsync(
            "UPDATE outbox SET created_at = created_at - interval '90 seconds'");
        for (var time = 0; time < 2; time++)
        {
            await _service.EndPausesAsync();
            await worker.DeliverAsync(CancellationToken.None);
        }

        log.Texts.ShouldHaveSingleItem().ShouldMatch(
            $"^Warning LiteLLM has not received block for 9[0-9] s for the virtual key {key.Id}; retrying: "
            + "LiteLLM answered 500: Internal Server Error, the database is away.$");
        await _service.EndPausesAsync();
        await worker.DeliverAsync(CancellationToken.None);
        log.Texts[1..].ShouldBe([$"Information LiteLLM received block for the virtual key {key.Id} at attempt 4"]);
    }

    [Fact]
    public async Task A_key_that_was_blocked_or_opened_by_hand_is_put_right_and_one_that_is_gone_ends()
    {
        var (poor, blocked) = await UsedUpAsync();
        var rich = await _service.UserAsync(100);
        var (open, gone) = (await _service.VirtualKeyAsync(rich), await _service.VirtualKeyAsync(rich));
        await DeliverAsync();
        _service.Fake.Find(blocked.Hash)!.Block(false);
        _service.Fake.Find(open.Hash)!.Block(true);
        _service.Fake.Keys.Remove(gone.Hash);

        // Not asked again within the hour.
        (await _service.Watch.CheckKeysAsync(CancellationToken.None)).ShouldBe(0);
        await _service.AgeAsync();
        (await _service.Watch.CheckKeysAsync(CancellationToken.None)).ShouldBe(3);
        (await _service.OutboxAsync()).ShouldBe(["block 0", "unblock 0"], ignoreOrder: true);
        await _service.AgeAsync();
        (await _service.Watch.CheckKeysAsync(CancellationToken.None)).ShouldBe(2);
        (await _service.OutboxAsync()).Count.ShouldBe(2, "what is pending is not asked for again");
        await DeliverAsync();

        _service.Fake.Find(blocked.Hash)!.IsBlocked.ShouldBeTrue();
        _service.Fake.Find(open.Hash)!.IsBlocked.ShouldBeFalse();
        (await _service.ShownAsync(rich, gone.Id)).GetProperty("last_error").GetString()
            .ShouldBe("The gateway no longer knows this key.");
        (await _service.StatusAsync(gone)).ShouldBe("revoked");
        (await _service.ShownAsync(poor, blocked.Id)).GetProperty("is_blocked").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task The_length_of_the_outbox_and_the_age_of_its_oldest_are_measured()
    {
        var outbox = _service.Get<OutboxStore>();
        (await outbox.MeasureAsync(VirtualKeyChanges.OutboxKind, CancellationToken.None))
            .ShouldBe(new OutboxSize(0, TimeSpan.Zero));
        await UsedUpAsync();
        await UsedUpAsync();
        await _service.Database.ExecuteAsync("UPDATE outbox SET created_at = created_at - interval '2 days' "
            + "WHERE id = (SELECT min(id) FROM outbox)");

        var size = await outbox.MeasureAsync(VirtualKeyChanges.OutboxKind, CancellationToken.None);

        size.Length.ShouldBe(2);
        size.OldestAge.ShouldBeInRange(TimeSpan.FromDays(2), TimeSpan.FromDays(3));
    }

    private Task<int> DeliverAsync() => _service.Worker.DeliverAsync(CancellationToken.None);

    // A user whose credit was just used up, with a key of which LiteLLM does not know that yet.
    private async Task<(string User, VirtualKeyInTest Key)> UsedUpAsync()
    {
        var user = await _service.UserAsync(10);
        var key = await _service.VirtualKeyAsync(user);
        await _service.UseAsync(user, 10);
        return (user, key);
    }

    private OutboxWorker Worker(LiteLlmOptions options, ILogger<OutboxWorker>? log = null) => new(
        _service.Get<OutboxStore>(), _service.Get<VirtualKeyQueries>(),
        _service.Get<Factumerit.Ledger.Writing.LedgerWriter>(),
        _service.Get<BudgetService>(),
        new LiteLlmClient(_service.Get<IHttpClientFactory>(), Options.Create(options)), Options.Create(options),
        _service.Get<BackgroundJobs>(),
        TimeProvider.System, log ?? new Lines());

    private sealed class Lines : ILogger<OutboxWorker>
    {
        public List<string> Texts { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            Texts.Add($"{logLevel} {formatter(state, exception)}");
    }
}
