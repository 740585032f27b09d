using System.Globalization;
using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>
/// Compares what clients were told with what the database holds. Every acknowledged request must be there exactly once,
/// with the right user and amount. Every balance must equal the grant less the usage, every transaction must balance,
/// and the service's own integrity check must find no fault. Writers must have ended.
/// </summary>
internal sealed class Audit(string connectionString)
{
    private const int FaultsShownMax = 10;
    private readonly List<string> _faults = [];
    private readonly Dictionary<string, decimal> _spent = new(StringComparer.Ordinal);

    /// <summary>Which senders' request ids may be there: over how many users each spread its calls.</summary>
    public required IReadOnlyDictionary<int, int> UsersByTag { get; init; }

    /// <summary>The request ids that clients were told are recorded.</summary>
    public required IEnumerable<string> Acknowledged { get; init; }

    /// <summary>Rows that nobody was told of may be there for requests that were under way when a run ended.</summary>
    public required long UnacknowledgedMax { get; init; }

    /// <summary>Kinds of faults that don't count: a yardstick may leave out what only the product keeps.</summary>
    public IReadOnlyCollection<string> FaultsIgnored { get; init; } = [];

    /// <summary>Usages that the database holds, once audited.</summary>
    public long Usages { get; private set; }

    /// <summary>Everything that is wrong; empty when all is well.</summary>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await CompareUsagesAsync(source, cancellationToken);
        await CompareBudgetsAsync(source, cancellationToken);
        await CompareEntriesAsync(source, cancellationToken);
        await CheckIntegrityAsync(cancellationToken);
        return _faults;
    }

    private async Task CompareUsagesAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        var missing = new HashSet<CallId>();
        foreach (var text in Acknowledged)
            if (Calls.Read(text) is not { } id)
                Fault("acknowledged, but never sent", text);
            else if (!missing.Add(id))
                Fault("acknowledged twice", text);
        var seen = new HashSet<CallId>(missing.Count);
        var unacknowledged = 0L;
        await using var command = source.CreateCommand("SELECT user_id, request_id, user_price_cents FROM llm_usage");
        command.CommandTimeout = 0;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var (user, text, cents) = (reader.GetString(0), reader.GetString(1), reader.GetDecimal(2));
            Usages++;
            _spent[user] = _spent.GetValueOrDefault(user) + cents;
            if (Calls.Read(text) is not { } id || !UsersByTag.TryGetValue(id.Tag, out var users))
            {
                Fault("recorded, but never sent", text);
                continue;
            }
            var call = Calls.Of(id.Thread, id.Number, users);
            if (!seen.Add(id))
                Fault("recorded twice", text);
            else if (user != Calls.User(call.User) || cents != call.Cents)
                Fault("recorded wrongly",
                    $"{text}: {cents} cents of {user}, not {call.Cents} of {Calls.User(call.User)}");
            else if (!missing.Remove(id))
                unacknowledged++;
        }
        foreach (var id in missing)
            Fault("acknowledged, but LOST", Calls.RequestId(id.Tag, id.Thread, id.Number));
        if (unacknowledged > UnacknowledgedMax)
            Fault("recorded, but nobody was told",
                $"{unacknowledged} usages, where at most {UnacknowledgedMax} can have been under way");
    }

    private async Task CompareBudgetsAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT user_id, balance_cents FROM user_budgets");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var users = 0;
        while (await reader.ReadAsync(cancellationToken))
        {
            var (user, balance) = (reader.GetString(0), reader.GetDecimal(1));
            var expected = Calls.GrantCents - _spent.GetValueOrDefault(user);
            users++;
            if (balance != expected)
                Fault("wrong balance", string.Create(
                    CultureInfo.InvariantCulture, $"{user} has {balance}, granted less used is {expected}"));
        }
        if (users != Calls.Users)
            Fault("wrong number of users", $"{users}, not {Calls.Users}");
    }

    // Every grant and usage has two entries and one legacy row. Each transaction balances (R1), and each user's entries
    // add up to the balance (R3).
    private async Task CompareEntriesAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await ExpectAsync(
            source, "entries", "SELECT count(*) FROM ledger_entries", 2 * (Usages + Calls.Users), cancellationToken);
        await ExpectAsync(
            source, "legacy rows", "SELECT count(*) FROM budget_transactions", Usages + Calls.Users, cancellationToken);
        await ExpectAsync(source, "unbalanced transactions", """
            SELECT count(*) FROM (
                SELECT FROM ledger_entries GROUP BY transaction_id HAVING sum(debit_cents) <> sum(credit_cents)) t
            """, 0, cancellationToken);
        await ExpectAsync(source, "budgets beside the ledger", """
            SELECT count(*) FROM user_budgets b LEFT JOIN user_ledger_balances l USING (user_id)
            WHERE b.balance_cents - b.opening_cents IS DISTINCT FROM coalesce(l.balance_cents, 0)
            """, 0, cancellationToken);
    }

    private async Task CheckIntegrityAsync(CancellationToken cancellationToken)
    {
        await using var database = new LedgerDatabase(connectionString);
        var report = await new IntegrityCheck(database).RunAsync(full: true, cancellationToken);
        foreach (var fault in report.Faults.Where(f => !FaultsIgnored.Contains(f.Kind)))
            Fault($"integrity: {fault.Kind}", $"{fault.Id}: {fault.Detail}");
        if (report.Imbalance != 0)
            Fault("integrity: imbalance", report.Imbalance.ToString(CultureInfo.InvariantCulture));
    }

    private async Task ExpectAsync(
        NpgsqlDataSource source, string what, string sql, long expected, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 0;
        var found = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        if (found != expected)
            Fault($"wrong number of {what}", $"{found}, not {expected}");
    }

    // A broken run may break everything: the first few of a kind say enough.
    private void Fault(string kind, string detail)
    {
        var same = _faults.Count(f => f.StartsWith(kind + ":", StringComparison.Ordinal));
        if (same < FaultsShownMax)
            _faults.Add($"{kind}: {detail}");
        else if (same == FaultsShownMax)
            _faults.Add($"{kind}: and more");
    }
}
