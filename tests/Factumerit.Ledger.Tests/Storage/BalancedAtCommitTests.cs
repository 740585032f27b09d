using Factumerit.Ledger.Tests.Database;
using Npgsql;
using static Factumerit.Ledger.Tests.Storage.LedgerSql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>R1 in the database: a transaction balances at commit, in one statement or in several.</summary>
public sealed class BalancedAtCommitTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private readonly Guid _id = Guid.CreateVersion7();

    [Fact]
    public async Task A_balanced_transaction_in_one_statement_is_taken_R1()
    {
        await database.ExecuteAsync(Insert(
            _id, ("equity:capital", "2759", "0"), ("asset:anthropic", "0", "2500"), ("expense:sales_tax", "0", "259")));
        (await CountAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task A_single_leg_is_refused_R1()
    {
        var refusal = await Should.ThrowAsync<PostgresException>(
            () => database.ExecuteAsync(Insert(_id, ("equity:capital", "5", "0"))));
        (refusal.SqlState, refusal.ConstraintName)
            .ShouldBe((PostgresErrorCodes.CheckViolation, "ck_ledger_entries_balanced"));
        refusal.MessageText.ShouldContain("R1");
        (await CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task The_smallest_difference_is_refused_R1()
    {
        await RefusedAsync(Insert(_id, ("equity:capital", "5", "0"), ("asset:anthropic", "0", "5.0000001")));
        (await CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task An_unbalanced_statement_is_refused_at_commit_not_before_R1()
    {
        await using var connection = await database.Ledger.Readers.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(Insert(_id, ("equity:capital", "5", "0")), connection, transaction);
        (await command.ExecuteNonQueryAsync()).ShouldBe(1);
        (await Should.ThrowAsync<PostgresException>(() => transaction.CommitAsync())).ConstraintName.ShouldBe(
            "ck_ledger_entries_balanced");
        (await CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Two_transactions_that_only_balance_each_other_are_refused_R1()
    {
        var other = Guid.CreateVersion7();
        await RefusedAsync(
            "INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents) "
            + $"VALUES ('{_id}', 'equity:capital', 5, 0), ('{other}', 'asset:anthropic', 0, 5)");
        (await CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Legs_in_several_statements_are_taken_when_complete_at_commit_R1()
    {
        await database.ExecuteAsync(Commit(
            Insert(_id, ("equity:capital", "5", "0")), Insert(_id, ("asset:anthropic", "0", "3")),
            Insert(_id, ("expense:sales_tax", "0", "2"))));
        (await CountAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task Legs_in_several_statements_are_refused_when_incomplete_at_commit_R1()
    {
        await RefusedAsync(
            Commit(Insert(_id, ("equity:capital", "5", "0")), Insert(_id, ("asset:anthropic", "0", "3"))));
        (await CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_leg_in_a_savepoint_that_is_rolled_back_does_not_count_R1()
    {
        await RefusedAsync(Commit(
            Insert(_id, ("equity:capital", "5", "0")), "SAVEPOINT s", Insert(_id, ("asset:anthropic", "0", "5")),
            "ROLLBACK TO s"));
        await database.ExecuteAsync(Commit("SAVEPOINT s", Insert(_id, ("equity:capital", "5", "0")), "ROLLBACK TO s"));
        (await CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_leg_added_later_to_a_balanced_transaction_is_refused_R1()
    {
        await database.ExecuteAsync(Insert(_id, ("equity:capital", "5", "0"), ("asset:anthropic", "0", "5")));
        await RefusedAsync(Insert(_id, ("asset:anthropic", "0", "1")));
        (await CountAsync()).ShouldBe(2);
    }

    [Fact]
    public async Task The_check_cannot_be_talked_out_of_by_emptying_its_notes_R1()
    {
        await RefusedAsync(Commit(Insert(_id, ("equity:capital", "5", "0")), "DELETE FROM ledger_open_transactions"));
        (await CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_replicating_session_is_held_to_it_too_R1()
    {
        await RefusedAsync(
            Commit("SET LOCAL session_replication_role = replica", Insert(_id, ("equity:capital", "5", "0"))));
        (await CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task No_notes_are_left_after_a_commit_R1()
    {
        await database.ExecuteAsync(
            Commit(Insert(_id, ("equity:capital", "5", "0")), Insert(_id, ("asset:anthropic", "0", "5"))));
        (await database.ScalarAsync<long>("SELECT count(*) FROM ledger_open_transactions")).ShouldBe(0);
    }

    [Fact]
    public async Task Checking_at_once_when_asked_is_possible_R1() =>
        await RefusedAsync(Commit("SET CONSTRAINTS ALL IMMEDIATE", Insert(_id, ("equity:capital", "5", "0")),
            Insert(_id, ("asset:anthropic", "0", "5"))));

    private async Task RefusedAsync(string sql)
    {
        await using var connection = await database.Ledger.Readers.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        (await Should.ThrowAsync<PostgresException>(() => command.ExecuteNonQueryAsync())).ConstraintName.ShouldBe(
            "ck_ledger_entries_balanced");
        await using var rollback = new NpgsqlCommand("ROLLBACK", connection);
        await rollback.ExecuteNonQueryAsync();
    }

    private Task<long> CountAsync() =>
        database.ScalarAsync<long>($"SELECT count(*) FROM ledger_entries WHERE transaction_id = '{_id}'");
}
