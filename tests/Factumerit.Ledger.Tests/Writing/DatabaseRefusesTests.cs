using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;
using Npgsql;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// Only errors that the data can cause are retried command by command. Any other error of the database refuses the
/// whole commit.
/// </summary>
public sealed class DatabaseRefusesTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Theory]
    [InlineData("25006")]
    [InlineData("42501")]
    [InlineData("53100")]
    [InlineData("57014")]
    [InlineData("42P01")]
    [InlineData("P0001")]
    [InlineData("XX000")]
    public async Task What_does_not_lie_in_the_data_refuses_all_at_once(string sqlState)
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(100);
        await using (await Sabotage.OfAsync(database, "ledger_entries", "IMMEDIATE", sqlState))
        {
            var outcomes = await ledger.Budgets.RecordUsagesAsync(
                [.. Enumerable.Range(0, 5).Select(n => Usage(user, $"{sqlState}-{n}"))], CancellationToken.None);

            outcomes.ShouldAllBe(outcome => outcome.Refusal is Refusal.Unavailable);
            (await Sabotage.TimesAsync(database)).ShouldBe(1);
        }
        (await ledger.UseAsync(user, 1, $"{sqlState}-0")).Answer!.BalanceCents.ShouldBe(99);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_full_disk_is_one_line_in_the_log_until_something_was_written_again()
    {
        var log = new LogLines<LedgerWriter>();
        await using var ledger = new WriterUnderTest(database.ConnectionString, logger: log);
        var user = await ledger.UserAsync(100);
        for (var time = 1; time <= 2; time++)
        {
            await using (await Sabotage.OfAsync(database, "ledger_entries", "IMMEDIATE", "53100"))
                for (var call = 1; call <= 3; call++)
                    (await ledger.UseAsync(user, 1)).Refusal.ShouldBeOfType<Refusal.Unavailable>();
            log.Lines.Count.ShouldBe(time);
            (await ledger.UseAsync(user, 1)).Answer.ShouldNotBeNull();
        }
        log.Lines.ShouldAllBe(line => line.StartsWith(
            "Error The disk of the database is full; nothing is written until it has room again: 53100",
            StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("22003")]
    [InlineData("23514")]
    public async Task What_lies_in_the_data_of_one_costs_the_others_of_its_caller_nothing(string sqlState)
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(100);
        UsageRequest[] usages = [Usage(user, "1"), Usage(user, "2") with { Description = "poison" }, Usage(user, "3")];
        await using (await Sabotage.OfAsync(
            database, "ledger_entries", "IMMEDIATE", sqlState, "NEW.description = 'poison'"))
        {
            var outcomes = await ledger.Budgets.RecordUsagesAsync(usages, CancellationToken.None);

            outcomes.Select(outcome => outcome.Answer?.BalanceCents).ShouldBe([99, null, 98]);
            outcomes[1].Refusal.ShouldBe(new Refusal.InternalError());
            (await ledger.Budgets.RecordUsagesAsync(usages[1..2], CancellationToken.None))
                .ShouldHaveSingleItem().Refusal.ShouldBe(new Refusal.InternalError());
            (await Should.ThrowAsync<PostgresException>(
                ledger.Budgets.RecordUsageAsync(usages[1], CancellationToken.None))).SqlState.ShouldBe(sqlState);
        }
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_key_that_stays_taken_whatever_is_tried_costs_the_neighbours_nothing()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString, new WriterOptions { AttemptsMax = 2 });
        var user = await ledger.UserAsync(100);
        await using (await Sabotage.OfAsync(
            database, "ledger_entries", "IMMEDIATE", "23505", "NEW.description = 'poison'"))
        {
            var outcomes = await ledger.Budgets.RecordUsagesAsync(
                [Usage(user, "a"), Usage(user, "b") with { Description = "poison" }], CancellationToken.None);

            outcomes[0].Answer!.BalanceCents.ShouldBe(99);
            outcomes[1].Refusal.ShouldBe(new Refusal.InternalError());
        }
    }

    private static UsageRequest Usage(string user, string requestId) =>
        new() { UserId = user, AmountCents = 1, RequestId = requestId };
}
