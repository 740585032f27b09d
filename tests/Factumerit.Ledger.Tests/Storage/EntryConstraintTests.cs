using Factumerit.Ledger.Tests.Database;
using Npgsql;
using static Factumerit.Ledger.Tests.Storage.LedgerSql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// R2 in the database: every inserted entry has one side, a positive number, and an account of the chart.
/// </summary>
public sealed class EntryConstraintTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Theory]
    [InlineData("5", "5")]
    [InlineData("0", "0")]
    [InlineData("-5", "0")]
    [InlineData("0", "-5")]
    [InlineData("5", "-5")]
    [InlineData("'NaN'", "0")]
    [InlineData("0", "'NaN'")]
    [InlineData("'NaN'", "'NaN'")]
    [InlineData("5", "'NaN'")]
    public async Task An_entry_without_exactly_one_positive_side_is_refused_R2(string debit, string credit)
    {
        // The other leg makes up for it, so that the refusal is R2's and not R1's.
        var sql = Insert(Guid.CreateVersion7(), ("equity:capital", debit, credit), ("asset:anthropic", credit, debit));
        var refusal = await Should.ThrowAsync<PostgresException>(() => database.ExecuteAsync(sql));
        (refusal.SqlState, refusal.ConstraintName)
            .ShouldBe((PostgresErrorCodes.CheckViolation, "ck_ledger_entries_one_side"));
    }

    [Theory]
    [InlineData("'Infinity'")]
    [InlineData("'-Infinity'")]
    [InlineData("10000000000000")]
    public async Task An_amount_that_the_column_cannot_hold_is_refused_R2(string cents) =>
        (await database.RefusalOfAsync(InsertMove("equity:capital", "asset:anthropic", cents)))
            .ShouldBe(PostgresErrorCodes.NumericValueOutOfRange);

    [Theory]
    [InlineData("debit_cents")]
    [InlineData("credit_cents")]
    [InlineData("account")]
    [InlineData("transaction_id")]
    [InlineData("created_at")]
    public async Task Nothing_of_an_entry_may_be_missing_R2(string column)
    {
        var columns = new Dictionary<string, string>
        {
            ["transaction_id"] = $"'{Guid.CreateVersion7()}'",
            ["account"] = "'expense:api'",
            ["debit_cents"] = "1",
            ["credit_cents"] = "0",
            ["created_at"] = "now()",
            [column] = "NULL",
        };
        var sql = $"INSERT INTO ledger_entries ({string.Join(", ", columns.Keys)}) "
            + $"VALUES ({string.Join(", ", columns.Values)})";
        (await database.RefusalOfAsync(sql)).ShouldBe(PostgresErrorCodes.NotNullViolation);
    }

    [Theory]
    [InlineData("cash")]
    [InlineData("")]
    [InlineData("user:")]
    [InlineData("user:*")]
    [InlineData("user:al ice")]
    [InlineData("user:alice\n")]
    [InlineData("user:älice")]
    [InlineData("asset:")]
    [InlineData("asset:api")]
    [InlineData("asset:sales_tax")]
    [InlineData("asset:Anthropic")]
    [InlineData("asset:1st")]
    [InlineData("expense:")]
    [InlineData("expense:Api")]
    [InlineData("equity:other")]
    [InlineData("liability:alice")]
    public async Task An_account_outside_the_chart_is_refused(string account)
    {
        ChartOfAccounts.TypeOf(account).ShouldBeNull("the code and the database know the same chart");
        var refusal = await Should.ThrowAsync<PostgresException>(
            () => database.ExecuteAsync(InsertMove("equity:capital", account, "5")));
        refusal.ConstraintName.ShouldBe("ck_ledger_entries_account");
    }

    [Theory]
    [InlineData("user:vikunja:alice")]
    [InlineData("user:@bob:matrix.org")]
    [InlineData("user:a+b=c-d_e.f@g")]
    [InlineData("asset:open-ai_2")]
    [InlineData("expense:api")]
    [InlineData("expense:sales_tax")]
    [InlineData("expense:anthropic")]
    [InlineData("equity:initial")]
    [InlineData("equity:grants")]
    [InlineData("equity:forfeit")]
    [InlineData("equity:adjustments")]
    public async Task An_account_of_the_chart_is_taken(string account)
    {
        ChartOfAccounts.TypeOf(account).ShouldNotBeNull();
        (await database.RefusalOfAsync(InsertMove("equity:capital", account, "0.0000001"))).ShouldBeNull();
    }

    [Fact]
    public async Task Names_end_where_the_code_says()
    {
        (await database.RefusalOfAsync(InsertMove("equity:capital", "user:" + new string('a', 200), "1")))
            .ShouldBeNull();
        (await database.RefusalOfAsync(InsertMove("equity:capital", "user:" + new string('a', 201), "1")))
            .ShouldBe(PostgresErrorCodes.CheckViolation);
        (await database.RefusalOfAsync(InsertMove("equity:capital", "asset:" + new string('a', 40), "1")))
            .ShouldBeNull();
        (await database.RefusalOfAsync(InsertMove("equity:capital", "asset:" + new string('a', 41), "1")))
            .ShouldBe(PostgresErrorCodes.CheckViolation);
    }

    [Theory]
    [InlineData("balance_cents = 'NaN'", "ck_user_budgets_finite")]
    [InlineData("total_spent_cents = 'NaN'", "ck_user_budgets_finite")]
    [InlineData("total_added_cents = 'NaN'", "ck_user_budgets_finite")]
    [InlineData("opening_cents = 'NaN'", "ck_user_budgets_finite")]
    [InlineData("balance_cents = 1, deleted_at = now()", "ck_user_budgets_deleted")]
    public async Task A_budget_is_a_number_and_zero_when_deleted_R11(string change, string constraint)
    {
        await database.ExecuteAsync("INSERT INTO user_budgets (user_id) VALUES ('alice') ON CONFLICT DO NOTHING");
        var refusal = await Should.ThrowAsync<PostgresException>(
            () => database.ExecuteAsync($"UPDATE user_budgets SET {change} WHERE user_id = 'alice'"));
        refusal.ConstraintName.ShouldBe(constraint);
    }

    [Fact]
    public async Task A_request_id_is_kept_once_per_user_R9()
    {
        static string Usage(string user, string request) =>
            "INSERT INTO llm_usage (id, user_id, request_id, billing_status, user_price_cents, occurred_at, "
            + "created_at, balance_after_cents, request_hash) "
            + $"VALUES (gen_random_uuid(), '{user}', '{request}', 'billed', 0, now(), now(), 0, 0)";
        await database.ExecuteAsync(Usage("alice", "call-1"));
        (await database.RefusalOfAsync(Usage("bob", "call-1"))).ShouldBeNull();
        var refusal = await Should.ThrowAsync<PostgresException>(() => database.ExecuteAsync(Usage("alice", "call-1")));
        refusal.ConstraintName.ShouldBe("uq_llm_usage_user_request");
    }

    [Fact]
    public async Task A_key_is_kept_once_per_operation_R9()
    {
        static string Key(string operation) =>
            "INSERT INTO idempotency_keys (operation, key, request_hash, answer, created_at) "
            + $"VALUES ('{operation}', 'key-1', 0, '{{}}', now())";
        await database.ExecuteAsync(Key("grant"));
        (await database.RefusalOfAsync(Key("purchase"))).ShouldBeNull();
        var refusal = await Should.ThrowAsync<PostgresException>(() => database.ExecuteAsync(Key("grant")));
        refusal.ConstraintName.ShouldBe("pk_idempotency_keys");
    }
}
