using Factumerit.Ledger.Tests.Database;
using Npgsql;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>R12: whoever has an answer finds its rows committed, all of them, from any connection.</summary>
public sealed class DurableAnswerTests
{
    [Fact]
    public Task What_was_answered_is_committed_R12() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await using var other = NpgsqlDataSource.Create(database.ConnectionString);
        await database.PostAsync(async service =>
        {
            var grant = (await service.GrantAsync(
                new() { UserId = "alice", AmountCents = 10 }, "root", "g", CancellationToken.None))
                .Answer.ShouldNotBeNull();
            await using var entries = other.CreateCommand(
                $"SELECT count(*) FROM ledger_entries WHERE transaction_id = '{grant.TransactionId}'");
            (await entries.ExecuteScalarAsync()).ShouldBe(2L);
            var usage = (await service.RecordUsageAsync(
                new() { UserId = "alice", AmountCents = 0, RequestId = "free" }, CancellationToken.None))
                .Answer.ShouldNotBeNull();
            await using var usages = other.CreateCommand(
                $"SELECT count(*) FROM llm_usage WHERE id = '{usage.UsageId}'");
            (await usages.ExecuteScalarAsync()).ShouldBe(1L);
        });
    });

    [Fact]
    public Task What_is_committed_waits_for_the_disk_R12() => DatabaseQueries.WithDatabaseAsync(async database =>
        // A turned-off synchronous_commit would answer before the commit is durable.
        (await database.ScalarAsync<string>("SHOW synchronous_commit")).ShouldBe("on"));
}
