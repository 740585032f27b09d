using Npgsql;
using NpgsqlTypes;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// Saves the decisions of a batch in one round trip, with one statement per table that takes its rows as arrays. The
/// number of statements does not grow with the number of commands.
/// </summary>
internal static class StateSaver
{
    private const string Users = """
        INSERT INTO user_budgets AS u (user_id, balance_cents, total_spent_cents, total_added_cents,
                                       debits_cents, credits_cents, entry_count,
                                       promo_expires_at, created_at, updated_at, deleted_at, signed_up_at)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (user_id) DO UPDATE SET
            balance_cents = excluded.balance_cents, total_spent_cents = excluded.total_spent_cents,
            total_added_cents = excluded.total_added_cents,
            debits_cents = u.debits_cents + excluded.debits_cents,
            credits_cents = u.credits_cents + excluded.credits_cents,
            entry_count = u.entry_count + excluded.entry_count,
            promo_expires_at = excluded.promo_expires_at, updated_at = excluded.updated_at,
            deleted_at = excluded.deleted_at, signed_up_at = excluded.signed_up_at
        """;

    // Applies postings to existing budgets.
    private static readonly string MovedUsers = Move(
        "unnest($2, $3, $4, $5, $6, $7, $8) AS m (user_id, balance_cents, entries, spent, added, debits, credits)",
        """
        balance_cents = u.balance_cents + m.credits - m.debits, total_spent_cents = u.total_spent_cents + m.spent,
        total_added_cents = u.total_added_cents + m.added, debits_cents = u.debits_cents + m.debits,
        credits_cents = u.credits_cents + m.credits
        """);

    // The same for users who only spent, which is the usual case: one amount per user instead of four.
    private static readonly string SpendingUsers = Move(
        "unnest($2, $3, $4, $5) AS m (user_id, balance_cents, entries, spent)",
        """
        balance_cents = u.balance_cents - m.spent, total_spent_cents = u.total_spent_cents + m.spent,
        debits_cents = u.debits_cents + m.spent
        """);

    // unnest returns the rows in the order of the arrays, so entry ids follow the order of the decisions (R13).
    private const string Entries = """
        INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents, description, reference_type,
                                    reference_id, posted_by, created_at)
        SELECT e.*, $9 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS e
        """;

    private const string LegacyRows = """
        INSERT INTO budget_transactions (user_id, amount_cents, balance_after, transaction_type, description,
                                         created_at)
        SELECT t.*, $6 FROM unnest($1, $2, $3, $4, $5) AS t
        """;

    private const string Answers = """
        INSERT INTO idempotency_keys (operation, key, request_hash, answer, created_at)
        SELECT k.*, $5 FROM unnest($1, $2, $3, $4) AS k
        """;

    private const string AuditRecords = """
        INSERT INTO audit_log (actor_id, action, subject, detail, at)
        SELECT a.*, $5 FROM unnest($1, $2, $3, $4) AS a
        """;

    private const string Totals = """
        INSERT INTO account_totals AS t (account, debits_cents, credits_cents, entry_count)
        SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (account) DO UPDATE SET debits_cents = t.debits_cents + excluded.debits_cents,
            credits_cents = t.credits_cents + excluded.credits_cents,
            entry_count = t.entry_count + excluded.entry_count
        """;

    // Runs after the costs of this commit are saved, because saving them may insert the provider's row.
    private const string UsageWriteDowns = """
        UPDATE provider_usage_costs p SET written_down_cents = p.written_down_cents + w.amount_cents
        FROM (SELECT provider, sum(amount_cents) AS amount_cents
              FROM unnest($1, $2) AS w (provider, amount_cents) GROUP BY provider) w
        WHERE p.provider = w.provider
        """;

    /// <summary>
    /// Saves everything and commits in one round trip, which also takes the turn if no read has taken it. Returns
    /// whether the commit added entries to the outbox for LiteLLM (R20).
    /// </summary>
    public static async Task<bool> SaveAndCommitAsync(Turn turn, LedgerState state)
    {
        await using var batch = turn.NewBatch();
        SaveUsers(batch, state.ChangedUsers, state.Now);
        UsageSaver.Save(batch, state);
        ReviewSaver.Save(batch, state);
        if (!UsageSaver.PostsAll(state))
        {
            SaveEntries(batch, state.NewEntries, state.Now);
            SaveLegacyRows(batch, state.NewLegacyRows, state.Now);
        }
        SaveUsageWriteDowns(batch, state.NewUsageWriteDowns);
        SaveAnswers(batch, state.NewAnswers, state.Now);
        SaveAuditRecords(batch, state.NewAuditRecords, state.Now);
        SaveTotals(batch, state.TotalChanges.Values);
        var outbox = VirtualKeySaver.Save(batch, state);
        batch.BatchCommands.Add(new("COMMIT"));
        await batch.ExecuteNonQueryAsync();
        return outbox.Any(command => command.Rows > 0);
    }

    /// <summary>
    /// Whether saving failed because the state that was decided on is stale, or an idempotency key is no longer new.
    /// </summary>
    public static bool IsOutdated(PostgresException exception) =>
        exception.SqlState is PostgresErrorCodes.InvalidTextRepresentation or PostgresErrorCodes.UniqueViolation
            or PostgresErrorCodes.ExclusionViolation;

    private static void SaveUsers(NpgsqlBatch batch, IReadOnlyCollection<UserAccount> users, DateTimeOffset now)
    {
        var (whole, moved) = (new List<UserAccount>(), new List<UserAccount>(users.Count));
        foreach (var user in users)
            (user.IsNew || user.IsDeleted || user.SignsUp ? whole : moved).Add(user);
        if (whole.Count > 0)
            new Rows<UserAccount>(batch, Users, whole)
                .Column(u => u.UserId)
                .Column(u => u.BalanceCents)
                .Column(u => u.TotalSpentCents)
                .Column(u => u.TotalAddedCents)
                .Column(u => u.DebitsCents)
                .Column(u => u.CreditsCents)
                .Column(u => u.EntryCount)
                .Column(u => Utc(u.PromoExpiresAt))
                .Column(u => u.CreatedAt.UtcDateTime)
                .Column(u => u.UpdatedAt.UtcDateTime)
                .Column(u => Utc(u.DeletedAt))
                .Column(u => Utc(u.SignedUpAt));
        if (moved.Count > 0)
            SaveMoved(batch, moved, now);
    }

    private static void SaveMoved(NpgsqlBatch batch, List<UserAccount> users, DateTimeOffset now)
    {
        var onlySpent = users.TrueForAll(u => u.HasOnlySpent);
        var rows = new Rows<UserAccount>(batch, onlySpent ? SpendingUsers : MovedUsers, users)
            .Value(now.UtcDateTime)
            .Column(u => u.UserId)
            .Column(u => u.LoadedBalanceCents!.Value)
            .Column(u => u.EntryCount)
            .Column(u => u.SpentCents);
        if (!onlySpent)
            rows.Column(u => u.AddedCents).Column(u => u.DebitsCents).Column(u => u.CreditsCents);
    }

    // Changes a budget only if it still has the balance that was decided on; other columns are neither sent nor read.
    // If a balance has changed, or the newest entry is younger than this commit (R13), nothing is saved: casting
    // non-numeric text raises 22P02, which aborts the transaction.
    private static string Move(string movements, string changes) => $"""
        WITH moved AS (
            UPDATE user_budgets u SET {changes}, entry_count = u.entry_count + m.entries, updated_at = $1
            FROM {movements}
            WHERE u.user_id = m.user_id AND u.balance_cents = m.balance_cents AND u.deleted_at IS NULL
            RETURNING 1),
        newest AS (SELECT id, created_at FROM ledger_entries ORDER BY id DESC LIMIT 1)
        SELECT CASE WHEN count(*) <> cardinality($2)
                         OR EXISTS (SELECT FROM newest, ledger_origin
                                    WHERE newest.id > last_entry_id AND newest.created_at > $1)
                    THEN ('outdated: ' || count(*) || ' of ' || cardinality($2)
                          || ' budgets are as they were decided on')::integer END
        FROM moved
        """;

    private static void SaveEntries(NpgsqlBatch batch, List<PostedEntry> entries, DateTimeOffset now)
    {
        if (entries.Count == 0)
            return;
        new Rows<PostedEntry>(batch, Entries, entries)
            .Column(e => e.Transaction.Id)
            .Column(e => e.Entry.Account)
            .Column(e => e.Entry.DebitCents)
            .Column(e => e.Entry.CreditCents)
            .Column(e => e.Transaction.Description)
            .Column(e => e.Transaction.ReferenceType)
            .Column(e => e.Transaction.ReferenceId)
            .Column(e => e.By.Id)
            .Value(now.UtcDateTime);
    }

    private static void SaveLegacyRows(NpgsqlBatch batch, List<LegacyRow> rows, DateTimeOffset now)
    {
        if (rows.Count == 0)
            return;
        new Rows<LegacyRow>(batch, LegacyRows, rows)
            .Column(r => r.UserId)
            .Column(r => r.AmountCents)
            .Column(r => r.BalanceAfterCents)
            .Column(r => r.TransactionType)
            .Column(r => r.Description)
            .Value(now.UtcDateTime);
    }

    private static void SaveUsageWriteDowns(NpgsqlBatch batch, List<UsageWriteDown> writeDowns)
    {
        if (writeDowns.Count == 0)
            return;
        new Rows<UsageWriteDown>(batch, UsageWriteDowns, writeDowns)
            .Column(w => w.Provider)
            .Column(w => w.AmountCents);
    }

    private static void SaveAnswers(NpgsqlBatch batch, List<KeptAnswer> answers, DateTimeOffset now)
    {
        if (answers.Count == 0)
            return;
        new Rows<KeptAnswer>(batch, Answers, answers)
            .Column(a => a.Operation)
            .Column(a => a.Key)
            .Column(a => a.RequestHash)
            .Column(a => a.AnswerJson, NpgsqlDbType.Json)
            .Value(now.UtcDateTime);
    }

    private static void SaveAuditRecords(NpgsqlBatch batch, List<AuditRecord> records, DateTimeOffset now)
    {
        if (records.Count == 0)
            return;
        new Rows<AuditRecord>(batch, AuditRecords, records)
            .Column(r => r.By.Id)
            .Column(r => r.Action)
            .Column(r => r.Subject)
            .Column(r => r.Detail, NpgsqlDbType.Jsonb)
            .Value(now.UtcDateTime);
    }

    private static void SaveTotals(NpgsqlBatch batch, IReadOnlyCollection<AccountTotal> totals)
    {
        if (totals.Count == 0)
            return;
        new Rows<AccountTotal>(batch, Totals, totals)
            .Column(t => t.Account)
            .Column(t => t.DebitsCents)
            .Column(t => t.CreditsCents)
            .Column(t => t.EntryCount);
    }

    private static DateTime? Utc(DateTimeOffset? time) => time?.UtcDateTime;

    /// <summary>A statement of the batch. Its rows are passed as one array per column.</summary>
    internal sealed class Rows<TRow>
    {
        private readonly NpgsqlBatchCommand _command;
        private readonly IReadOnlyCollection<TRow> _rows;

        public Rows(NpgsqlBatch batch, string sql, IReadOnlyCollection<TRow> rows)
        {
            (_command, _rows) = (new NpgsqlBatchCommand(sql), rows);
            batch.BatchCommands.Add(_command);
        }

        public Rows<TRow> Column<TValue>(Func<TRow, TValue> select, NpgsqlDbType? elementType = null)
        {
            var values = new TValue[_rows.Count];
            var next = 0;
            foreach (var row in _rows)
                values[next++] = select(row);
            var parameter = new NpgsqlParameter<TValue[]> { TypedValue = values };
            if (elementType is { } type)
                parameter.NpgsqlDbType = NpgsqlDbType.Array | type;
            _command.Parameters.Add(parameter);
            return this;
        }

        public NpgsqlBatchCommand Command => _command;

        public Rows<TRow> Value(DateTime value)
        {
            _command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = value });
            return this;
        }
    }
}
