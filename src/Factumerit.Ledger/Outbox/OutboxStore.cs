using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.Outbox;

/// <summary>A claimed outbox row: a message to deliver.</summary>
/// <param name="Id">The id of the row.</param>
/// <param name="OrderingKey">The object that the message concerns.</param>
/// <param name="Payload">The message, as JSON.</param>
/// <param name="Attempts">The number of claims so far, including this one.</param>
/// <param name="Age">How long the row has been waiting.</param>
public sealed record Delivery(long Id, string OrderingKey, string Payload, int Attempts, TimeSpan Age);

/// <summary>The number of undelivered rows, and the age of the oldest one.</summary>
public sealed record OutboxSize(long Length, TimeSpan OldestAge);

/// <summary>
/// The outbox from the workers' side (R20). The writer adds and deletes rows. Workers claim rows of their kind as
/// leases, one at a time per ordering key and in order. So several processes can deliver together, and another process
/// takes over a killed one's rows when their leases expire.
/// </summary>
public sealed class OutboxStore(LedgerDatabase database)
{
    // Of two concurrent claims, the later one skips the locked row, or finds it no longer due after the first commit.
    private const string Claim = """
        WITH due AS (
            SELECT o.id FROM outbox o
            WHERE o.kind = $3 AND o.next_attempt_at <= clock_timestamp()
              AND NOT EXISTS (SELECT FROM outbox earlier
                              WHERE earlier.kind = o.kind AND earlier.ordering_key = o.ordering_key
                                AND earlier.id < o.id)
            ORDER BY o.next_attempt_at, o.id LIMIT $1
            FOR UPDATE OF o SKIP LOCKED)
        UPDATE outbox o SET attempts = o.attempts + 1, next_attempt_at = clock_timestamp() + $2
        FROM due WHERE o.id = due.id
        RETURNING o.id, o.ordering_key, o.payload, o.attempts, clock_timestamp() - o.created_at
        """;

    // The attempt count proves that this worker still holds the lease. Another worker may have claimed the row since
    // the lease expired.
    private const string Postpone = """
        UPDATE outbox SET next_attempt_at = clock_timestamp() + $3, last_error = $4 WHERE id = $1 AND attempts = $2
        """;

    private const string Size = """
        SELECT count(*), coalesce(clock_timestamp() - min(created_at), interval '0') FROM outbox WHERE kind = $1
        """;

    /// <summary>Claims up to <paramref name="limit"/> due rows for <paramref name="claimFor"/>.</summary>
    public async Task<IReadOnlyList<Delivery>> ClaimAsync(
        string kind, int limit, TimeSpan claimFor, CancellationToken cancellationToken)
    {
        await using var command = database.Readers.CreateCommand(Claim);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = claimFor });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kind });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var claimed = new List<Delivery>();
        while (await reader.ReadAsync(cancellationToken))
            claimed.Add(new Delivery(
                reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetInt32(3),
                reader.GetTimeSpan(4)));
        return claimed;
    }

    /// <summary>Releases a claim and schedules a retry after a pause.</summary>
    public async Task PostponeAsync(
        Delivery delivery, TimeSpan pause, string error, CancellationToken cancellationToken)
    {
        await using var command = database.Readers.CreateCommand(Postpone);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = delivery.Id });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = delivery.Attempts });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = pause });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = error });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<OutboxSize> MeasureAsync(string kind, CancellationToken cancellationToken)
    {
        await using var command = database.Readers.CreateCommand(Size);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kind });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new OutboxSize(reader.GetInt64(0), reader.GetTimeSpan(1));
    }
}
