using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Prices that have not begun can be cancelled, and an import can't begin more than a year ahead (R18).
/// </summary>
public sealed class PriceCancellationTests : IAsyncLifetime
{
    private readonly LedgerService _service = new();

    public Task InitializeAsync() => _service.InitializeAsync();

    public Task DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task A_version_that_has_not_begun_is_taken_back_and_others_can_follow()
    {
        await ImportAsync(1, null);
        var later = DateTimeOffset.UtcNow.AddDays(300);
        var mistaken = await ImportAsync(1000, later);
        // A process of its own, which has read the book.
        var elsewhere = new CurrentPrices(Markups.None);
        var other = new PriceStore(_service.Database.Ledger, elsewhere);
        await other.RefreshAsync(default);
        elsewhere.Pricer.Book.Find("m", later)!.InputUsdPerToken.ShouldBe(1000);

        var cancelled = (await _service.DeleteAsync($"/prices/versions/{mistaken}")).Expect(200);

        (cancelled.Amount("version"), cancelled.Text("cancelled_by")).ShouldBe((mistaken, "bootstrap"));
        (await _service.DeleteAsync($"/prices/versions/{mistaken}")).Expect(200).Body.ShouldBe(cancelled.Body);
        _service.Get<CurrentPrices>().Pricer.Book.Find("m", later)!.InputUsdPerToken.ShouldBe(1);
        await other.RefreshAsync(default);
        elsewhere.Pricer.Book.Find("m", later)!.InputUsdPerToken.ShouldBe(1);
        (await _service.GetAsync($"/prices?at={later.UtcDateTime:O}")).List("prices").Single()
            .GetProperty("input_usd_per_token").GetDecimal().ShouldBe(1);
        (await _service.GetAsync("/prices/m")).List("prices").Count.ShouldBe(1);
        // Without it the next import would have had to begin later still.
        await ImportAsync(2, DateTimeOffset.UtcNow.AddDays(1));
    }

    [Fact]
    public async Task What_is_in_force_or_has_others_on_top_stays()
    {
        var first = await ImportAsync(1, null);
        var second = await ImportAsync(2, DateTimeOffset.UtcNow.AddDays(1));
        var third = await ImportAsync(3, DateTimeOffset.UtcNow.AddDays(2));

        (await CancelAsync(first)).ExpectProblem(409, "not-cancellable");
        (await CancelAsync(second))
            .ExpectProblem(409, "not-cancellable").Text("detail").ShouldContain($"Version {third}");
        (await CancelAsync(4711)).ExpectProblem(404, "not-found");
        (await _service.DeleteAsync($"/prices/versions/{third}", await _service.KeyAsync("ops")))
            .ExpectProblem(403, "forbidden");
        (await CancelAsync(third)).Expect(200);
        (await CancelAsync(second)).Expect(200);
        _service.Get<CurrentPrices>().Pricer.Book.Find("m", DateTimeOffset.UtcNow.AddDays(3))!
            .InputUsdPerToken.ShouldBe(1);
    }

    // A call may be dated up to five minutes ahead, and another process may price it with the version for a while.
    [Fact]
    public async Task A_version_that_another_process_may_still_use_stays()
    {
        await ImportAsync(1, null);
        var begins = DateTimeOffset.UtcNow.AddMinutes(6);
        var soon = await ImportAsync(2, begins);
        var elsewhere = new CurrentPrices(Markups.None);
        await new PriceStore(_service.Database.Ledger, elsewhere).RefreshAsync(default);

        var until = $"{begins.AddMinutes(-5).AddSeconds(-5 - 10 - 60).UtcDateTime:u}";
        (await CancelAsync(soon)).ExpectProblem(409, "not-cancellable").Text("detail")
            .ShouldContain($"could be cancelled until {until}");

        _service.Get<CurrentPrices>().Pricer.Book.Find("m", begins)!.Version
            .ShouldBe(elsewhere.Pricer.Book.Find("m", begins)!.Version);
        (await CancelAsync(soon)).ExpectProblem(409, "not-cancellable");
    }

    [Fact]
    public async Task How_long_another_process_may_use_a_version_goes_by_its_settings()
    {
        await ImportAsync(1, null);
        var soon = await ImportAsync(2, DateTimeOffset.UtcNow.AddMinutes(30));

        (await CancelAsync(TimeSpan.FromMinutes(26))).Refusal.ShouldBeOfType<Refusal.NotCancellable>();
        (await CancelAsync(TimeSpan.FromMinutes(24))).Answer.ShouldNotBeNull().Version.ShouldBe(soon);

        Task<Outcome<PriceCancellation>> CancelAsync(TimeSpan usedAfter) =>
            new PriceStore(_service.Database.Ledger, _service.Get<CurrentPrices>()) { UsedAfterCancelling = usedAfter }
                .CancelAsync(soon, Actor.Bootstrap, default);
    }

    // Entries never go back in time (R13): where the newest one is ahead, so is what may be dated ahead.
    [Fact]
    public async Task The_time_of_the_newest_entry_counts()
    {
        await ImportAsync(1, null);
        var version = await ImportAsync(2, DateTimeOffset.UtcNow.AddMinutes(30));
        await _service.Database.ExecuteAsync($"""
            INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents, created_at)
            SELECT '{Guid.NewGuid()}', account, debit, 1 - debit, now() + interval '25 minutes'
            FROM (VALUES ('equity:grants', 1), ('equity:forfeit', 0)) AS e (account, debit)
            """);

        (await CancelAsync(version)).ExpectProblem(409, "not-cancellable");
    }

    [Fact]
    public async Task Prices_that_a_call_was_priced_by_stay()
    {
        await ImportAsync(1, null);
        var later = await ImportAsync(2, DateTimeOffset.UtcNow.AddDays(1));
        var user = await _service.UserAsync(10_000);
        (await _service.PostAsync("/usage", new { user_id = user, request_id = "r", amount_cents = 1 })).Expect(201);
        // As a database clock that was far ahead for a while would have had it.
        await _service.Database.ExecuteAsync($"UPDATE llm_usage SET price_version = {later}");

        (await CancelAsync(later)).ExpectProblem(409, "not-cancellable").Text("detail").ShouldContain("priced by");
    }

    [Fact]
    public async Task An_import_begins_at_most_366_days_ahead()
    {
        (await _service.PostAsync($"/prices/import?valid_from={In(367)}", Map(1)))
            .ExpectProblem(400, "validation-failed")
            .Json.GetProperty("errors")
            .GetProperty("valid_from")[0].GetString().ShouldBe("must be at most 366 days ahead");
        (await _service.PostAsync($"/prices/import?valid_from={In(365)}", Map(1))).Expect(200);

        static string In(int days) => DateTimeOffset.UtcNow.AddDays(days).UtcDateTime.ToString("O");
    }

    private Task<Reply> CancelAsync(long version) => _service.DeleteAsync($"/prices/versions/{version}");

    private async Task<long> ImportAsync(int usd, DateTimeOffset? validFrom)
    {
        var query = validFrom is { } from ? $"?valid_from={from.UtcDateTime:O}" : "";
        return (long)(await _service.PostAsync($"/prices/import{query}", Map(usd))).Expect(200).Amount("version");
    }

    private static string Map(int usd) => $$$"""{"m":{"input_cost_per_token":{{{usd}}},"output_cost_per_token":1}}""";
}
