using System.Buffers.Binary;
using System.Data;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>
/// The cost of the schema: one prepared statement writes the rows of 500 usages in one serializable commit, over one
/// connection. The time covers the statement and the commit, not the making of the rows.
/// </summary>
internal sealed class RawLimit : IAsyncDisposable
{
    private const int BatchSize = 500;
    private readonly Lab _lab;
    private readonly string _database;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlCommand _command;
    private readonly int _tag;
    private readonly decimal[] _balances = [.. Enumerable.Repeat(Calls.GrantCents, Calls.Users)];
    private int _batches;

    private RawLimit(Lab lab, string database, NpgsqlConnection connection, string sql) =>
        (_lab, _database, _connection, _command, _tag) =
            (lab, database, connection, new NpgsqlCommand(sql, connection), lab.Wrk.NextTag());

    public static async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        await using var raw = await OpenAsync(lab, "raw", cancellationToken);
        var perSecond = await raw.PerSecondAsync(8, cancellationToken);
        await raw.CloseAsync(cancellationToken);
        lab.Report("raw limit: 500 usages by one statement in one commit", perSecond, Unit.PerSecond)
            .Against("TPC-B", perSecond / lab.TpcbPerSecond, Unit.Times);
    }

    /// <summary>
    /// Opens its own database, which is deleted with the server. Dropping it would cause a checkpoint, and with it
    /// another one for the next scenario.
    /// </summary>
    public static async Task<RawLimit> OpenAsync(Lab lab, string name, CancellationToken cancellationToken)
    {
        var database = $"bench_{name}";
        var connectionString = await lab.CopySeededAsync(database, cancellationToken);
        var sql = await File.ReadAllTextAsync(
            Path.Combine(AppContext.BaseDirectory, "Load", "Sql", "raw-limit.sql"), cancellationToken);
        var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        return new RawLimit(lab, database, connection, sql);
    }

    /// <summary>Usages a second, as of now: for what takes turns with it.</summary>
    public async Task<double> PerSecondAsync(int seconds, CancellationToken cancellationToken)
    {
        var (before, timed) = (_batches, new Stopwatch());
        while (timed.Elapsed.TotalSeconds < seconds)
        {
            Fill(_command, _tag, _batches, _balances);
            if (_batches == 0)
                await _command.PrepareAsync(cancellationToken);
            timed.Start();
            await using var transaction = await _connection.BeginTransactionAsync(
                IsolationLevel.Serializable, cancellationToken);
            await _command.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            timed.Stop();
            _batches++;
        }
        var perSecond = (_batches - before) * BatchSize / timed.Elapsed.TotalSeconds;
        _lab.Say($"raw limit: {Measure.Format(perSecond, Unit.PerSecond)}");
        return perSecond;
    }

    /// <summary>Audits what was written, as of any other load.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        var audit = new Audit(_lab.Server.ConnectionString(_database))
        {
            UsersByTag = new Dictionary<int, int> { [_tag] = Calls.Users },
            Acknowledged = Enumerable.Range(0, _batches * BatchSize).Select(n => Calls.RequestId(_tag, 0, n)),
            UnacknowledgedMax = 0,
        };
        await _lab.AuditAsync(_database, audit, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _command.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private static void Fill(NpgsqlCommand command, int tag, int batch, decimal[] balances)
    {
        var calls = Enumerable.Range(batch * BatchSize, BatchSize)
            .Select(n => (Id: Calls.RequestId(tag, 0, n), Call: Calls.Of(0, n, Calls.Users))).ToArray();
        command.Parameters.Clear();
        Add(command, calls.Select(_ => Guid.CreateVersion7()));
        Add(command, calls.Select(_ => Guid.CreateVersion7()));
        Add(command, calls.Select(c => Calls.User(c.Call.User)));
        Add(command, calls.Select(c => c.Id));
        Add(command, calls.Select(c => c.Call.PromptTokens));
        Add(command, calls.Select(c => c.Call.CompletionTokens));
        Add(command, calls.Select(c => c.Call.Cents));
        Add(command, calls.Select(c => balances[c.Call.User] -= c.Call.Cents));
        Add(command, calls.Select(
            c => BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(c.Id)))));
    }

    private static void Add<T>(NpgsqlCommand command, IEnumerable<T> values) =>
        command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = [.. values] });
}
