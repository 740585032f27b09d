using System.Globalization;
using Factumerit.Ledger.EmbeddedPostgres;
using Factumerit.Ledger.Tests.Http;
using Npgsql;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// Compares the answers that a <see cref="LoadSender"/> got with the database: each acknowledged usage is stored once
/// and as answered, every other one at most once, and the user paid for exactly what is stored.
/// </summary>
internal static class LoadAuditor
{
    private const string Stored = """
        SELECT u.user_id, u.request_id, u.id, coalesce(sum(e.debit_cents), 0), count(e.id)
        FROM llm_usage u
        LEFT JOIN ledger_entries e ON e.reference_type = 'llm_call' AND e.reference_id = u.request_id
            AND e.account = 'user:' || u.user_id
        GROUP BY u.user_id, u.request_id, u.id
        """;

    public static async Task AuditAsync(string connectionString, IReadOnlyCollection<SentUsage> sent)
    {
        var stored = await ReadAsync(connectionString);
        foreach (var usage in sent.GroupBy(s => s.Usage))
        {
            var there = stored.Where(s => s.UserId == usage.Key.UserId && s.RequestId == usage.Key.RequestId).ToList();
            there.Count.ShouldBeLessThanOrEqualTo(1, usage.Key.ToString());
            there.ShouldAllBe(s => s.PaidCents == usage.Key.Cents && s.Entries == (usage.Key.Cents > 0 ? 1 : 0));
            var answers = usage.Where(s => s.IsAcknowledged).Select(s => s.Reply!).ToList();
            if (answers.Count == 0)
                continue;
            there.Count.ShouldBe(1, $"acknowledged, but lost: {usage.Key}");
            answers.ShouldAllBe(answer => answer.Text("usage_id") == there[0].UsageId.ToString());
            answers.Select(answer => answer.Body).Distinct().Count().ShouldBe(1, "a replay must be the first answer");
        }
    }

    /// <summary>R1, R2, R3 and the rest, as the service itself reports them.</summary>
    public static void ExpectBalanced(Reply integrity) =>
        integrity.Expect(200).Json.GetProperty("is_balanced").GetBoolean().ShouldBeTrue(integrity.Body);

    /// <summary>Where the embedded database of a data directory listens, and how it is opened.</summary>
    public static string EmbeddedConnectionString(string dataDirectory) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = int.Parse(
            File.ReadLines(Path.Combine(dataDirectory, "postgres", "postmaster.pid")).ElementAt(3),
            CultureInfo.InvariantCulture),
        Username = PrivatePostgres.User,
        Password = File.ReadAllText(Path.Combine(dataDirectory, "password")).Trim(),
        Database = PrivatePostgres.Database,
        SslMode = SslMode.Disable,
    }.ConnectionString;

    private static async Task<List<StoredUsage>> ReadAsync(string connectionString)
    {
        // Not from a pool, which may hold connections from before the server went away.
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(Stored, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var stored = new List<StoredUsage>();
        while (await reader.ReadAsync())
            stored.Add(new StoredUsage(
                reader.GetString(0), reader.GetString(1), reader.GetGuid(2), reader.GetDecimal(3), reader.GetInt64(4)));
        return stored;
    }

    private sealed record StoredUsage(string UserId, string RequestId, Guid UsageId, decimal PaidCents, long Entries);
}
