using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>A process whose clock is wrong judges occurred_at by the database's.</summary>
public sealed class ClockOfTheLedgerTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    // The clocks alone are no reason to refuse here.
    private readonly LedgerDatabase _ledger = new(database.ConnectionString) { ClockSkewMax = TimeSpan.FromHours(2) };

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Theory]
    [InlineData(-60)]
    [InlineData(0)]
    [InlineData(60)]
    public async Task What_lies_ahead_is_told_by_the_database(int minutesWrong)
    {
        var clock = new WrongClock { Behind = -TimeSpan.FromMinutes(minutesWrong) };
        await using var writer = new LedgerWriter(
            _ledger, new WriterOptions(), clock, NullLogger<LedgerWriter>.Instance);
        var budgets = new BudgetService(writer, new CurrentPrices(Markups.None), clock);
        var now = await database.ScalarAsync<DateTime>("SELECT clock_timestamp()");

        // Twice, as the second may be decided on what is remembered.
        for (var round = 0; round < 2; round++)
        {
            (await budgets.RecordUsageAsync(At(now), default)).Answer.ShouldNotBeNull();
            (await budgets.RecordUsageAsync(At(now.AddMinutes(4)), default)).Answer.ShouldNotBeNull();
            var refusal = (await budgets.RecordUsageAsync(At(now.AddMinutes(6)), default)).Refusal;
            refusal.ShouldBeOfType<Refusal.ValidationFailed>().Errors["occurred_at"]
                .ShouldBe(["must be at most 5 minutes ahead of now"]);
        }
        var batch = await budgets.RecordUsagesAsync([At(now), At(now.AddMinutes(6)), At(now.AddMinutes(-6))], default);
        batch.Select(outcome => outcome.Refusal?.Code).ShouldBe([null, "validation-failed", null]);
    }

    [Theory]
    [InlineData(-60)]
    [InlineData(60)]
    public async Task A_reported_call_keeps_its_time_unless_the_database_finds_it_ahead(int minutesWrong)
    {
        var clock = new WrongClock { Behind = -TimeSpan.FromMinutes(minutesWrong) };
        await using var writer = new LedgerWriter(
            _ledger, new WriterOptions(), clock, NullLogger<LedgerWriter>.Instance);
        var budgets = new BudgetService(writer, new CurrentPrices(Markups.None), clock);
        var now = await database.ScalarAsync<DateTime>("SELECT date_trunc('second', clock_timestamp())");
        ReportedCall[] calls = [Reported(At(now)), Reported(At(now.AddMinutes(6)))];

        var recorded = (await budgets.TakeInAsync(calls, default)).Select(outcome => outcome.Answer.ShouldNotBeNull())
            .ToList();

        recorded[0].OccurredAt.UtcDateTime.ShouldBe(now);
        recorded[1].OccurredAt.ShouldBe(recorded[1].CreatedAt);
        (await budgets.TakeInAsync(calls, default)).ShouldAllBe(outcome => outcome.Replayed);
    }

    private static UsageRequest At(DateTime time) => new()
    {
        UserId = "user",
        AmountCents = 0,
        RequestId = $"{Guid.NewGuid()}",
        OccurredAt = new DateTimeOffset(time, TimeSpan.Zero),
    };

    private static ReportedCall Reported(UsageRequest request) =>
        new(
            request with { UserId = "user" },
            new UsageOrigin("litellm", [request.RequestId!], $"derived-{request.RequestId}"));
}
