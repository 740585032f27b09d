using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger;

/// <summary>
/// The verbs of the business: everything that changes the ledger starts here. Each makes a command, checks its fields, and hands it to the
/// writer; the answer comes after the commit is durable (R12).
/// </summary>
public sealed partial class BudgetService(LedgerWriter writer, CurrentPrices prices, TimeProvider clock)
{
    /// <summary>Creates a user's budget, with or without signup credit (R7, R8).</summary>
    public Task<Outcome<Registration>> SignUpAsync(SignupRequest request, CancellationToken cancellationToken) =>
        RunAsync(new Signup(request), cancellationToken);

    /// <summary>Records one LLM call and takes its price, or leaves it for review (R4, R5, R6, R9, R16).</summary>
    public Task<Outcome<RecordedUsage>> RecordUsageAsync(UsageRequest request, CancellationToken cancellationToken) =>
        RunAsync(new Usage(request, prices.Pricer), cancellationToken);

    /// <summary>Records many calls, each judged for itself; outcomes are in the order of the requests.</summary>
    public Task<IReadOnlyList<Outcome<RecordedUsage>>> RecordUsagesAsync(IReadOnlyList<UsageRequest> requests, CancellationToken cancellationToken)
    {
        var pricer = prices.Pricer;
        return RunManyAsync([.. requests.Select(request => new Usage(request, pricer))], cancellationToken);
    }

    /// <summary>Takes in calls that another system reports: they have been made, so they are recorded whatever the balance, and once under all their ids (R17).</summary>
    public Task<IReadOnlyList<Outcome<RecordedUsage>>> TakeInAsync(IReadOnlyList<ReportedCall> calls, CancellationToken cancellationToken)
    {
        var pricer = prices.Pricer;
        return RunManyAsync([.. calls.Select(call => new ReportedUsage(call.Request, call.Origin, pricer))], cancellationToken);
    }

    /// <summary>Gives a user credit (R6, R9). <paramref name="callerName"/> stands as the admin where the request names none.</summary>
    public Task<Outcome<GrantReceipt>> GrantAsync(
        GrantRequest request, string callerName, string? idempotencyKey, CancellationToken cancellationToken) =>
        RunAsync(new Grant(request, callerName, idempotencyKey), cancellationToken);

    /// <summary>Books credit bought from a provider (R9).</summary>
    public Task<Outcome<PurchaseReceipt>> PurchaseAsync(PurchaseRequest request, string? idempotencyKey, CancellationToken cancellationToken) =>
        RunAsync(new Purchase(request, idempotencyKey), cancellationToken);

    /// <summary>Books provider credit that was consumed, or found (R9).</summary>
    public Task<Outcome<WriteDownReceipt>> WriteDownAsync(WriteDownRequest request, string? idempotencyKey, CancellationToken cancellationToken) =>
        RunAsync(new WriteDown(request, idempotencyKey), cancellationToken);

    /// <summary>Closes a user's budget for good (R11).</summary>
    public Task<Outcome<Deletion>> DeleteUserAsync(string userId, CancellationToken cancellationToken) =>
        RunAsync(new DeleteUser(userId), cancellationToken);

    internal DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>Runs many commands, each judged for itself; outcomes are in their order.</summary>
    internal async Task<IReadOnlyList<Outcome<T>>> RunManyAsync<T>(IReadOnlyList<Command<T>> commands, CancellationToken cancellationToken)
        where T : class
    {
        var valid = commands.Where(IsValid).ToList();
        if (valid.Count > 0)
            await writer.WriteAsync(valid, cancellationToken);
        return [.. commands.Select(command => Counted(command.Outcome))];
    }

    /// <summary>Checks a command's fields, and hands it to the writer.</summary>
    internal async Task<Outcome<T>> RunAsync<T>(Command<T> command, CancellationToken cancellationToken)
        where T : class
    {
        if (IsValid(command))
            await writer.WriteAsync([command], cancellationToken);
        return Counted(command.Outcome);
    }

    private static Outcome<T> Counted<T>(Outcome<T> outcome)
        where T : class
    {
        if (outcome.Refusal is { } refusal)
            LedgerMetrics.Refused(refusal);
        return outcome;
    }

    private bool IsValid(Command command)
    {
        var errors = new FieldErrors(Now);
        command.Validate(errors);
        if (errors.Any)
            command.Refuse(errors.ToRefusal());
        return !errors.Any;
    }
}
