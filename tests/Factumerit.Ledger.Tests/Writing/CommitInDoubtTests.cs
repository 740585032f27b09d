using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// R12: when the connection is cut at the COMMIT, the writer looks up its outcome. In either case the caller gets the
/// first answer, never a replay, and money moves exactly once.
/// </summary>
public sealed class CommitInDoubtTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    public static TheoryData<string, Cut> OperationsAndCuts()
    {
        var rows = new TheoryData<string, Cut>();
        foreach (var operation in Operations.Keys)
            foreach (var cut in (Cut[])[Cut.BeforeTheServer, Cut.AfterTheServer, Cut.LateAtTheServer])
                rows.Add(operation, cut);
        return rows;
    }

    // Each does its operation on a user with 100 cents (or a new one), and tells what the user must have after it.
    private static readonly Dictionary<string, Func<WriterUnderTest, string, Task<decimal>>> Operations = new()
    {
        ["usage"] = async (ledger, user) => First(await ledger.UseAsync(user, 1)).BalanceCents,
        ["free usage"] = async (ledger, user) => First(await ledger.UseAsync(user, 0)).BalanceCents,
        ["grant"] = async (ledger, user) => First(await ledger.GrantAsync(user, 7)).Budget.BalanceCents,
        ["batch"] = async (ledger, user) =>
        {
            var requests = Enumerable.Range(0, 10).Select(i =>
                new UsageRequest { UserId = user, AmountCents = i, RequestId = WriterUnderTest.NewId("call") });
            var outcomes = await ledger.Budgets.RecordUsagesAsync([.. requests], CancellationToken.None);
            outcomes.Select(First).Count().ShouldBe(10);
            return outcomes[^1].Answer!.BalanceCents;
        },
        ["deletion"] = async (ledger, user) =>
        {
            First(await ledger.Budgets.DeleteUserAsync(user, CancellationToken.None)).ForfeitedCents.ShouldBe(100);
            return 0;
        },
        ["signup"] = async (ledger, _) => await SignUpAsync(ledger, creditCents: 5),
        ["signup without credit"] = async (ledger, _) => await SignUpAsync(ledger, creditCents: 0),
        ["late signup without credit"] = async (ledger, user) =>
        {
            First(await ledger.Budgets.SignUpAsync(new() { UserId = user }, CancellationToken.None))
                .Existed.ShouldBeFalse();
            return 100;
        },
        ["write-down of nothing"] = async (ledger, _) =>
        {
            var outcome = await ledger.Budgets.WriteDownAsync(
                new WriteDownRequest { AmountCents = 0 }, WriterUnderTest.NewId("key"), CancellationToken.None);
            First(outcome).TransactionId.ShouldBeNull();
            return 100;
        },
    };

    [Theory]
    [MemberData(nameof(OperationsAndCuts))]
    public async Task R12_a_commit_cut_in_two_is_looked_up(string operation, Cut cut)
    {
        await using var proxy = new CuttingProxy(database.ConnectionString);
        await using var ledger = new WriterUnderTest(proxy.ConnectionString);
        var user = await ledger.UserAsync(100);
        proxy.CutAtNextCommit(cut);

        var balanceCents = await Operations[operation](ledger, user);

        proxy.HasCut.ShouldBeTrue();
        if (!operation.StartsWith("signup", StringComparison.Ordinal))
            (await database.ScalarAsync<decimal>($"SELECT balance_cents FROM user_budgets WHERE user_id = '{user}'"))
                .ShouldBe(balanceCents);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R12_a_doubt_that_outlasts_the_retries_is_told_and_the_same_request_gets_the_first_answer()
    {
        await using var proxy = new CuttingProxy(database.ConnectionString);
        await using var ledger = new WriterUnderTest(proxy.ConnectionString, new WriterOptions { AttemptsMax = 2 });
        var user = await ledger.UserAsync(100);
        proxy.CutAtNextCommit(Cut.AfterTheServer, andClose: true);

        (await ledger.UseAsync(user, 1, "in doubt")).Refusal.ShouldBeOfType<Refusal.Unavailable>();

        proxy.Open();
        var again = await ledger.UseAsync(user, 1, "in doubt");
        again.Replayed.ShouldBeTrue();
        again.Answer!.BalanceCents.ShouldBe(99);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R12_a_doubt_met_by_another_failure_is_told_as_unavailable_and_never_as_a_failure()
    {
        await using var proxy = new CuttingProxy(database.ConnectionString);
        await using var ledger = new WriterUnderTest(proxy.ConnectionString, new WriterOptions { AttemptsMax = 2 });
        var user = await ledger.UserAsync(100);
        proxy.CutAtNextCommit(Cut.AfterTheServer);
        await database.ExecuteAsync(
            "CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS "
            + "$$ BEGIN ALTER TABLE ledger_origin RENAME TO away; RETURN NULL; END $$");
        await database.ExecuteAsync(
            "CREATE CONSTRAINT TRIGGER tr_hide AFTER INSERT ON llm_usage DEFERRABLE INITIALLY DEFERRED "
            + "FOR EACH ROW EXECUTE FUNCTION hide()");
        try
        {
            // The commit itself takes away what the next attempt needs, so that one fails in a way that would not pass.
            (await ledger.UseAsync(user, 1, "in doubt too")).Refusal.ShouldBeOfType<Refusal.Unavailable>();
        }
        finally
        {
            await database.ExecuteAsync(
                "ALTER TABLE away RENAME TO ledger_origin; DROP TRIGGER tr_hide ON llm_usage; DROP FUNCTION hide()");
        }

        (await ledger.UseAsync(user, 1, "in doubt too")).Answer!.BalanceCents.ShouldBe(99);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R12_a_writer_that_vanishes_in_the_middle_gives_up_its_turn()
    {
        await using var proxy = new CuttingProxy(database.ConnectionString);
        await using var ledger = new WriterUnderTest(proxy.ConnectionString);
        await using var other = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(100);
        proxy.CutAtNextCommit(Cut.NeverToldTheServer);

        var inDoubt = ledger.UseAsync(user, 1);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(proxy.HasCut));
        var others = other.UseAsync(user, 1);

        First(await inDoubt.WaitAsync(TimeSpan.FromSeconds(20)));
        First(await others.WaitAsync(TimeSpan.FromSeconds(20)));
        (await database.ScalarAsync<decimal>($"SELECT balance_cents FROM user_budgets WHERE user_id = '{user}'"))
            .ShouldBe(98);
        await database.AssertIntegrityAsync();
    }

    // While the newest entry is ahead of the clock, all commits have its time. So a signup of the same user by another
    // service looks like the one in doubt, and must not prove the calls and grants beside it.
    [Fact]
    public Task R12_another_commit_of_the_same_time_proves_nothing() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await using var proxy = new CuttingProxy(database.ConnectionString);
            await using var ledger = new WriterUnderTest(proxy.ConnectionString);
            await using var other = new WriterUnderTest(database.ConnectionString);
            var user = await ledger.UserAsync(100);
            await database.ExecuteAsync("""
                ALTER TABLE ledger_entries DISABLE TRIGGER USER;
                UPDATE ledger_entries SET created_at = created_at + interval '90 seconds';
                UPDATE budget_transactions SET created_at = created_at + interval '90 seconds';
                ALTER TABLE ledger_entries ENABLE TRIGGER USER
                """);
            var (signup, usage) = (
                new Signup(new() { UserId = "new" }),
                new RecordUsage(new() { UserId = user, AmountCents = 1, RequestId = "call" }));
            Task inDoubt;
            Task<Outcome<Registration>> others;
            await using (await other.TakeTurnAsync())
            {
                proxy.CutAtNextCommit(Cut.BeforeTheServer);
                inDoubt = ledger.Writer.WriteAsync([signup, usage], default);
                await WriterUnderTest.UntilAsync(async () => await database.QueriesThatWaitAsync() == 1);
                others = other.Budgets.SignUpAsync(new() { UserId = "new" }, default);
                await WriterUnderTest.UntilAsync(async () => await database.QueriesThatWaitAsync() == 2);
            }
            await inDoubt.WaitAsync(TimeSpan.FromSeconds(20));

            proxy.HasCut.ShouldBeTrue();
            First(await others).Existed.ShouldBeFalse();
            First(usage.Outcome).BalanceCents.ShouldBe(99);
            First(signup.Outcome).Existed.ShouldBeTrue();
            (await database.ScalarAsync<long>("SELECT count(*) FROM llm_usage")).ShouldBe(1);
            (await database.ScalarAsync<decimal>($"SELECT balance_cents FROM user_budgets WHERE user_id = '{user}'"))
                .ShouldBe(99);
            await database.AssertIntegrityAsync();
        });

    private static async Task<decimal> SignUpAsync(WriterUnderTest ledger, decimal creditCents)
    {
        var request = new SignupRequest
        {
            UserId = WriterUnderTest.NewId("user"),
            InitialCreditCents = creditCents,
            OverrideHeadroomCheck = true
        };
        var registration = First(await ledger.Budgets.SignUpAsync(request, CancellationToken.None));
        registration.Existed.ShouldBeFalse();
        return registration.Budget.BalanceCents;
    }

    private static T First<T>(Outcome<T> outcome)
        where T : class
    {
        outcome.Refusal.ShouldBeNull();
        outcome.Replayed.ShouldBeFalse();
        return outcome.Answer.ShouldNotBeNull();
    }
}
