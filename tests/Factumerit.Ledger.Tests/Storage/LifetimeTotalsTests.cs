using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>However much a user got and spent in all, 10^12 cents more can be spent and added, exactly.</summary>
public sealed class LifetimeTotalsTests
{
    private const decimal Largest = 1_000_000_000_000m;

    [Fact]
    public Task Lifetime_totals_stop_nobody() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await database.PostAsync(async service =>
        {
            for (var n = 0; n < 25; n++)
            {
                (await service.GrantAsync(new() { UserId = "alice", AmountCents = Largest }, "root", $"g{n}", default))
                    .Answer.ShouldNotBeNull();
                (await service.RecordUsageAsync(
                    new() { UserId = "alice", AmountCents = Largest - 0.0000001m, RequestId = $"call-{n}" }, default))
                        .Answer.ShouldNotBeNull();
            }
        });
        (await database.RowsAsync("SELECT balance_cents, total_spent_cents, total_added_cents FROM user_budgets"))
            .ShouldBe(["0.0000025|24999999999999.9999975|25000000000000"]);
        await database.AssertIntegrityAsync();
    });

    [Fact]
    public Task After_a_billion_of_the_largest_operations_there_is_room_for_more() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await database.PostAsync(
                s => s.GrantAsync(new() { UserId = "alice", AmountCents = Largest }, "root", "g", default));
            await database.ExecuteAsync("""
                UPDATE user_budgets SET total_spent_cents = total_spent_cents + 1e21, opening_spent_cents = 1e21,
                    total_added_cents = total_added_cents + 1e21, opening_added_cents = 1e21
                """);
            await database.PostAsync(async service =>
            {
                (await service.RecordUsageAsync(
                    new() { UserId = "alice", AmountCents = Largest, RequestId = "r" }, default))
                    .Answer.ShouldNotBeNull();
                (await service.GrantAsync(new() { UserId = "alice", AmountCents = 0.0000001m }, "root", "h", default))
                    .Answer.ShouldNotBeNull().Budget.TotalAddedCents.ShouldBe(1_000_000_001_000_000_000_000.0000001m);
            });
            await database.AssertIntegrityAsync();
        });

    // The balance is bounded, in both directions: spending brings a large one down, and adding brings a debt up.
    [Fact]
    public Task A_balance_near_its_bound_can_be_spent() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await database.PostAsync(async service =>
        {
            for (var n = 0; n < 9; n++)
                await service.GrantAsync(new() { UserId = "alice", AmountCents = Largest }, "root", $"g{n}", default);
            (await service.GrantAsync(new() { UserId = "alice", AmountCents = Largest }, "root", "g9", default)).Refusal
                .ShouldBeOfType<Refusal.ValidationFailed>().Errors.Keys.ShouldBe(["amount_cents"]);
            (await service.RecordUsageAsync(
                new() { UserId = "alice", AmountCents = Largest, RequestId = "r" }, default))
                .Answer.ShouldNotBeNull().BalanceCents.ShouldBe(8 * Largest);
        });
    });
}
