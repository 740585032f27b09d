using Factumerit.Ledger.Tests.Database;
using Npgsql;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>A ledger that can't write says so, writes nothing of what it refused, and goes on when it can.</summary>
public sealed class UnavailableTests(UnavailableTests.Tiny service) : IClassFixture<UnavailableTests.Tiny>
{
    public sealed class Tiny : LedgerService
    {
        protected override string[] Configuration => ["--Writer:QueueLimit=1"];
    }

    [Fact]
    public async Task More_than_may_wait_is_503_with_Retry_After_leaves_no_trace_and_succeeds_later()
    {
        var user = await service.UserAsync(10);
        var refused = new { user_id = user, amount_cents = 2, request_id = "refused" };

        await using var connection = new NpgsqlConnection(service.Database.ConnectionString);
        await connection.OpenAsync();
        await using var hold = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("LOCK TABLE user_budgets IN ACCESS EXCLUSIVE MODE", connection))
            await command.ExecuteNonQueryAsync();
        var waiting = service.PostAsync("/usage", new { user_id = user, amount_cents = 1, request_id = "waits" });
        await WaitForTheWriterAsync();

        var reply = await service.PostAsync("/usage", refused);
        var batch = await service.PostAsync("/usage/batch", new[] { refused });
        var intake = await service.PostAsync("/intake/litellm",
            """[{"id":"refused","response_cost":0.02,"metadata":{"user_api_key_user_id":"refused"}},{"id":""}]""");
        await hold.RollbackAsync();

        reply.ShouldBeProblem(
            503, "unavailable", "The database is unavailable or too busy",
            "The queue is full: more requests are waiting than can be written in time. "
                + "It is safe to send the same request again with the same key.");
        reply.RetryAfter.ShouldBe("1");
        batch.ExpectProblem(503, "unavailable").RetryAfter.ShouldBe("1");
        intake.ExpectProblem(503, "unavailable").RetryAfter.ShouldBe("1");
        (await waiting).Expect(201).Amount("balance_cents").ShouldBe(9);
        (await service.Database.ScalarAsync<long>("SELECT count(*) FROM llm_usage WHERE request_id = 'refused'"))
            .ShouldBe(0);
        (await service.PostAsync("/usage", refused)).Expect(201).Amount("balance_cents").ShouldBe(7);
        await service.Database.AssertIntegrityAsync();
    }

    // The writer holds on to the command as soon as its connection waits for the lock.
    private Task WaitForTheWriterAsync() =>
        Chaos.ServiceProcess.UntilAsync(async () => await service.Database.QueriesThatWaitAsync() > 0);
}
