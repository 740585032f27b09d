using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>A claimed outbox entry: a change to deliver to LiteLLM.</summary>
/// <param name="Id">The id of the entry.</param>
/// <param name="VirtualKeyId">The key.</param>
/// <param name="KeyHash">LiteLLM's id of the key.</param>
/// <param name="Action">block, unblock or delete.</param>
/// <param name="Attempts">The number of claims so far, including this one.</param>
/// <param name="Age">How long the entry has been waiting.</param>
public sealed record Delivery(long Id, Guid VirtualKeyId, string KeyHash, string Action, int Attempts, TimeSpan Age);

/// <summary>The number of undelivered entries, and the age of the oldest one.</summary>
public sealed record OutboxSize(long Length, TimeSpan OldestAge);

/// <summary>
/// The outbox for LiteLLM from the workers' side (R20). The writer adds and deletes entries. Workers claim entries as
/// leases, one at a time per key and in order. So several processes can deliver together, and another process takes
/// over a killed one's entries when their leases expire.
/// </summary>
public sealed class LiteLlmOutbox(LedgerDatabase database)
{
    // Of two concurrent claims, the later one skips the locked row, or finds it no longer due after the first commit.
    private const string Claim = """
        WITH due AS (
            SELECT o.id FROM litellm_outbox o
            WHERE o.next_attempt_at <= clock_timestamp()
              AND NOT EXISTS (SELECT FROM litellm_outbox earlier
                              WHERE earlier.virtual_key_id = o.virtual_key_id AND earlier.id < o.id)
            ORDER BY o.next_attempt_at, o.id LIMIT $1
            FOR UPDATE OF o SKIP LOCKED)
        UPDATE litellm_outbox o SET attempts = o.attempts + 1, next_attempt_at = clock_timestamp() + $2
        FROM due, virtual_keys k
        WHERE o.id = due.id AND k.id = o.virtual_key_id
        RETURNING o.id, o.virtual_key_id, k.key_hash, o.action, o.attempts, clock_timestamp() - o.created_at
        """;

    // The attempt count proves that this worker still holds the lease. Another worker may have claimed the entry since
    // the lease expired.
    private const string Postpone = """
        UPDATE litellm_outbox SET next_attempt_at = clock_timestamp() + $3, last_error = $4
        WHERE id = $1 AND attempts = $2
        """;

    private const string Size =
        "SELECT count(*), coalesce(clock_timestamp() - min(created_at), interval '0') FROM litellm_outbox";

    /// <summary>Claims up to <paramref name="limit"/> due entries for <paramref name="claimFor"/>.</summary>
    public async Task<IReadOnlyList<Delivery>> ClaimAsync(
        int limit, TimeSpan claimFor, CancellationToken cancellationToken)
    {
        await using var command = database.Readers.CreateCommand(Claim);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = claimFor });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var claimed = new List<Delivery>();
        while (await reader.ReadAsync(cancellationToken))
            claimed.Add(new Delivery(
                reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2), reader.GetString(3), reader.GetInt32(4),
                reader.GetTimeSpan(5)));
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

    public async Task<OutboxSize> MeasureAsync(CancellationToken cancellationToken)
    {
        await using var command = database.Readers.CreateCommand(Size);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new OutboxSize(reader.GetInt64(0), reader.GetTimeSpan(1));
    }
}
