namespace Factumerit.Ledger.Client;

/// <summary>Users, their credit and their history.</summary>
public sealed partial class LedgerClient
{
    /// <summary>POST /users: signs a user up. A second signup returns the user unchanged (R7).</summary>
    public Task<Budget> SignUpAsync(SignupRequest request, CancellationToken cancellationToken = default) =>
        PostAsync<SignupRequest, Budget>("users", request, null, cancellationToken);

    /// <summary>GET /users/{user_id}.</summary>
    public Task<Budget> GetUserAsync(string userId, CancellationToken cancellationToken = default) =>
        GetAsync<Budget>(Paths.User(userId), cancellationToken);

    /// <summary>GET /users: all budgets by user_id.</summary>
    /// <param name="prefix">Only users whose id begins with it.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<Budget> ListUsersAsync(
        string? prefix = null, CancellationToken cancellationToken = default) =>
        ListAsync<Budget>(LedgerList.Users, Paths.Of("users", ("prefix", prefix)), cancellationToken);

    /// <summary>GET /users/{user_id}/entries: the user's entries, newest first.</summary>
    public IAsyncEnumerable<LedgerEntry> ListUserEntriesAsync(
        string userId, CancellationToken cancellationToken = default) =>
        ListAsync<LedgerEntry>(LedgerList.Entries, $"{Paths.User(userId)}/entries", cancellationToken);

    /// <summary>GET /users/{user_id}/transactions: the history in the older format, newest first.</summary>
    public IAsyncEnumerable<BudgetTransaction> ListUserTransactionsAsync(
        string userId, CancellationToken cancellationToken = default) =>
        ListAsync<BudgetTransaction>(
            LedgerList.Transactions, $"{Paths.User(userId)}/transactions", cancellationToken);

    /// <summary>DELETE /users/{user_id}: closes the budget forever. Deleting twice changes nothing (R11).</summary>
    public Task<Deletion> DeleteUserAsync(string userId, CancellationToken cancellationToken = default) =>
        DeleteAsync<Deletion>(Paths.User(userId), cancellationToken);
}
