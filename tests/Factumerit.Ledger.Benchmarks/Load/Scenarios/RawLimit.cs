using System.Buffers.Binary;
using System.Data;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>
/// What the schema costs: the rows of 500 usages by one prepared statement in one serializable commit, over one connection. Only the statement
/// and the commit are timed, not the making of the rows.
/// </summary>
internal static class RawLimit
{
    private const string Database = "bench_raw";
    private const int BatchSize = 500;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(8);

    public static async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var connectionString = await lab.CopySeededAsync(Database, cancellationToken);
        var tag = lab.Wrk.NextTag();
        var (batches, seconds) = await WriteAsync(connectionString, tag, cancellationToken);
        var usages = batches * BatchSize;
        lab.RawPerSecond = usages / seconds;
        lab.Report("raw limit: 500 usages by one statement in one commit", lab.RawPerSecond.Value, Unit.PerSecond)
            .Against("TPC-B", lab.RawPerSecond / lab.TpcbPerSecond, Unit.Times);
        var audit = new Audit(connectionString)
        {
            UsersByTag = new Dictionary<int, int> { [tag] = Calls.Users },
            Acknowledged = Enumerable.Range(0, usages).Select(n => Calls.RequestId(tag, 0, n)),
            UnacknowledgedMax = 0,
        };
        await lab.AuditAsync("raw", audit, cancellationToken);
        await lab.Server.DropDatabaseAsync(Database, cancellationToken);
    }

    private static async Task<(int Batches, double Seconds)> WriteAsync(string connectionString, int tag, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        var sql = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Load", "Sql", "raw-limit.sql"), cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        var balances = Enumerable.Repeat(Calls.GrantCents, Calls.Users).ToArray();
        var (batches, timed) = (0, new Stopwatch());
        while (timed.Elapsed < Duration)
        {
            Fill(command, tag, batches, balances);
            if (batches == 0)
                await command.PrepareAsync(cancellationToken);
            timed.Start();
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.Serializable, cancellationToken);
            await command.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            timed.Stop();
            batches++;
        }
        return (batches, timed.Elapsed.TotalSeconds);
    }

    private static void Fill(NpgsqlCommand command, int tag, int batch, decimal[] balances)
    {
        var calls = Enumerable.Range(batch * BatchSize, BatchSize).Select(n => (Id: Calls.RequestId(tag, 0, n), Call: Calls.Of(0, n, Calls.Users))).ToArray();
        command.Parameters.Clear();
        Add(command, calls.Select(_ => Guid.CreateVersion7()));
        Add(command, calls.Select(_ => Guid.CreateVersion7()));
        Add(command, calls.Select(c => Calls.User(c.Call.User)));
        Add(command, calls.Select(c => c.Id));
        Add(command, calls.Select(c => c.Call.PromptTokens));
        Add(command, calls.Select(c => c.Call.CompletionTokens));
        Add(command, calls.Select(c => c.Call.Cents));
        Add(command, calls.Select(c => balances[c.Call.User] -= c.Call.Cents));
        Add(command, calls.Select(c => BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(c.Id)))));
    }

    private static void Add<T>(NpgsqlCommand command, IEnumerable<T> values) => command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = [.. values] });
}
