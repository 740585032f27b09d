using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// A separate writer on a test database, with the business operations in front and control over its turn.
/// </summary>
internal sealed class WriterUnderTest : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly LedgerDatabase _database;
    private readonly string _connectionString;

    /// <param name="connectionString">Where the writer connects, which may be a proxy.</param>
    /// <param name="options">Its limits; null for the defaults.</param>
    /// <param name="clock">Its clock; null for the system's.</param>
    /// <param name="logger">Its logger; null for none.</param>
    public WriterUnderTest(
        string connectionString, WriterOptions? options = null, TimeProvider? clock = null,
        ILogger<LedgerWriter>? logger = null)
    {
        _connectionString = connectionString;
        _database = new LedgerDatabase(connectionString);
        Writer = new LedgerWriter(
            _database, options ?? new WriterOptions(), clock ?? TimeProvider.System,
            logger ?? NullLogger<LedgerWriter>.Instance);
        Budgets = new BudgetService(Writer, new CurrentPrices(Markups.None), TimeProvider.System);
    }

    public LedgerWriter Writer { get; }

    public BudgetService Budgets { get; }

    public static string NewId(string kind) => $"{kind}-{Guid.NewGuid():N}";

    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>A user with so much credit.</summary>
    public async Task<string> UserAsync(decimal creditCents)
    {
        var userId = NewId("user");
        (await GrantAsync(userId, creditCents)).Answer.ShouldNotBeNull();
        return userId;
    }

    /// <summary>A user whose budget the writer remembers: with so much credit, of which a cent is used.</summary>
    public async Task<string> RememberedUserAsync(decimal creditCents)
    {
        var userId = await UserAsync(creditCents);
        (await UseAsync(userId, 1)).Answer!.BalanceCents.ShouldBe(creditCents - 1);
        return userId;
    }

    /// <summary>In how many commits the user's usages were saved.</summary>
    public static Task<long> CommitsOfAsync(TestDatabase database, string userId) =>
        database.ScalarAsync<long>($"SELECT count(DISTINCT xmin::text) FROM llm_usage WHERE user_id = '{userId}'");

    public Task<Outcome<RecordedUsage>> UseAsync(
        string userId, decimal cents, string? requestId = null, string? description = null,
        CancellationToken cancellationToken = default) =>
        Budgets.RecordUsageAsync(
            new UsageRequest
            {
                UserId = userId,
                AmountCents = cents,
                RequestId = requestId ?? NewId("call"),
                Description = description
            },
            cancellationToken);

    public Task<Outcome<GrantReceipt>> GrantAsync(string userId, decimal cents, string? key = null) =>
        Budgets.GrantAsync(
            new GrantRequest { UserId = userId, AmountCents = cents }, "a test", key ?? NewId("grant"),
            CancellationToken.None);

    /// <summary>
    /// Takes the writers' turn: what is sent from now on waits until the returned transaction is disposed.
    /// </summary>
    public async Task<Turn> TakeTurnAsync()
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(_connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("BEGIN; LOCK TABLE ledger_origin IN EXCLUSIVE MODE", connection);
        await command.ExecuteNonQueryAsync();
        return new Turn(connection);
    }

    /// <summary>Sends one usage that gets the writer to wait for its turn; what follows queues up behind it.</summary>
    public async Task<Task<Outcome<RecordedUsage>>> OccupyAsync(
        TestDatabase database, string userId, CancellationToken cancellationToken = default)
    {
        var usage = UseAsync(userId, 1, cancellationToken: cancellationToken);
        await UntilAsync(() => database.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'ledger_origin'::regclass AND NOT granted "
            + "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"));
        return usage;
    }

    /// <summary>Asks until it is so.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(Deadline);
            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
    }

    /// <summary>The writers' turn in a test's hand; given back when disposed.</summary>
    internal sealed class Turn(NpgsqlConnection connection) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}
