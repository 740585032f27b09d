using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// Loads the virtual keys at LiteLLM that commands name. Only writers change them, and writers take turns, so the rows
/// need no lock.
/// </summary>
internal static class VirtualKeyLoader
{
    private const string Keys = """
        SELECT id, user_id, label, key_hash, key_name, models, max_budget_usd, expires_at, status, is_blocked,
               created_by, created_at, revoked_at, checked_at, last_error
        FROM virtual_keys WHERE id = ANY ($1)
        """;

    public static NpgsqlBatchCommand Command(Guid[] ids) =>
        new(Keys) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = ids } } };

    public static VirtualKey Read(NpgsqlDataReader reader) => new()
    {
        Id = reader.GetGuid(0),
        UserId = reader.GetString(1),
        Label = reader.GetString(2),
        KeyHash = Text(reader, 3),
        KeyName = Text(reader, 4),
        Models = reader.IsDBNull(5) ? null : reader.GetFieldValue<string[]>(5),
        MaxBudgetUsd = reader.GetFieldValue<decimal?>(6),
        ExpiresAt = reader.GetFieldValue<DateTimeOffset?>(7),
        Status = reader.GetString(8),
        IsBlocked = reader.GetBoolean(9),
        CreatedBy = reader.GetString(10),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(11),
        RevokedAt = reader.GetFieldValue<DateTimeOffset?>(12),
        CheckedAt = reader.GetFieldValue<DateTimeOffset?>(13),
        LastError = Text(reader, 14),
    };

    private static string? Text(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetString(column);
}
