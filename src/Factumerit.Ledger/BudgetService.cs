using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Factumerit.Ledger;

/// <summary>
/// The operations of the business; every change of the ledger starts here. Each operation makes a command, validates
/// its fields and passes it to the writer. It returns after the commit is durable (R12).
/// </summary>
public sealed partial class BudgetService(
    LedgerWriter writer, CurrentPrices prices, TimeProvider clock, ILogger<BudgetService>? logger = null)
{
    private readonly ILogger _logger = logger ?? NullLogger<BudgetService>.Instance;

    /// <summary>Creates a user's budget, with or without signup credit (R7, R8).</summary>
    public Task<Outcome<Registration>> SignUpAsync(
        SignupRequest request, Actor by, CancellationToken cancellationToken) =>
        RunAsync(new Signup(request), by, cancellationToken);

    /// <summary>Records one LLM call and charges its price, or leaves it for review (R4, R5, R6, R9, R16).</summary>
    public Task<Outcome<RecordedUsage>> RecordUsageAsync(
        UsageRequest request, Actor by, CancellationToken cancellationToken) =>
        RunAsync(new RecordUsage(request, prices.Pricer), by, cancellationToken);

    /// <summary>Records many calls, each decided on its own; outcomes are in the order of the requests.</summary>
    public Task<IReadOnlyList<Outcome<RecordedUsage>>> RecordUsagesAsync(
        IReadOnlyList<UsageRequest> requests, Actor by, CancellationToken cancellationToken)
    {
        var pricer = prices.Pricer;
        return RunManyAsync([.. requests.Select(request => new RecordUsage(request, pricer))], by, cancellationToken);
    }

    /// <summary>
    /// Records calls reported by another system. The calls have already been made, so they are recorded whatever the
    /// balance. Each call is recorded once under all its ids (R17).
    /// </summary>
    public Task<IReadOnlyList<Outcome<RecordedUsage>>> TakeInAsync(
        IReadOnlyList<ReportedCall> calls, Actor by, CancellationToken cancellationToken)
    {
        var pricer = prices.Pricer;
        return RunManyAsync(
            [.. calls.Select(call => new RecordReportedUsage(call.Request, call.Origin, pricer))], by,
            cancellationToken);
    }

    /// <summary>Gives a user credit (R6, R9). If the request has no admin id, the name of the actor is used.</summary>
    public Task<Outcome<GrantReceipt>> GrantAsync(
        GrantRequest request, Actor by, string? idempotencyKey, CancellationToken cancellationToken) =>
        RunAsync(new Grant(request, idempotencyKey), by, cancellationToken);

    /// <summary>Books credit bought from a provider (R9).</summary>
    public Task<Outcome<PurchaseReceipt>> PurchaseAsync(
        PurchaseRequest request, Actor by, string? idempotencyKey, CancellationToken cancellationToken) =>
        RunAsync(new Purchase(request, idempotencyKey), by, cancellationToken);

    /// <summary>Books provider credit that was consumed, or that the provider has beyond the books (R9).</summary>
    public Task<Outcome<WriteDownReceipt>> WriteDownAsync(
        WriteDownRequest request, Actor by, string? idempotencyKey, CancellationToken cancellationToken) =>
        RunAsync(new WriteDown(request, idempotencyKey), by, cancellationToken);

    /// <summary>Closes a user's budget permanently (R11).</summary>
    public Task<Outcome<Deletion>> DeleteUserAsync(string userId, Actor by, CancellationToken cancellationToken) =>
        RunAsync(new DeleteUser(userId), by, cancellationToken);

    /// <summary>Sets credit aside for calls that are about to be made (R21, R22).</summary>
    public Task<Outcome<HoldAnswer>> PlaceHoldAsync(
        HoldRequest request, Actor by, string? idempotencyKey, CancellationToken cancellationToken) =>
        RunAsync(new PlaceHold(request, idempotencyKey, prices.Pricer), by, cancellationToken);

    /// <summary>Adds credit or time to an open hold.</summary>
    /// <param name="request">The request.</param>
    /// <param name="seen">The hold as it was read; its user never changes.</param>
    /// <param name="by">The actor.</param>
    /// <param name="idempotencyKey">The Idempotency-Key header.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<Outcome<HoldAnswer>> IncreaseHoldAsync(
        HoldIncreaseRequest request, Hold seen, Actor by, string? idempotencyKey,
        CancellationToken cancellationToken) =>
        RunAsync(new IncreaseHold(request, seen, idempotencyKey), by, cancellationToken);

    /// <summary>Gives the credit of an open hold back (R24).</summary>
    public Task<Outcome<HoldAnswer>> ReleaseHoldAsync(
        HoldReleaseRequest request, Hold seen, Actor by, CancellationToken cancellationToken) =>
        RunAsync(new ReleaseHold(request, seen), by, cancellationToken);

    /// <summary>Marks holds that have expired (R23).</summary>
    public Task<Outcome<ExpiredHolds>> ExpireHoldsAsync(
        IReadOnlyList<Hold> due, CancellationToken cancellationToken) =>
        RunAsync(new ExpireHolds(due), Actor.Service, cancellationToken);

    internal DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>
    /// Runs many commands, each decided on its own; outcomes are in their order. A command that fails on a bug is
    /// refused with internal-error and does not affect the others. If the database is unavailable, the remaining
    /// commands are refused.
    /// </summary>
    internal async Task<IReadOnlyList<Outcome<T>>> RunManyAsync<T>(
        IReadOnlyList<Command<T>> commands, Actor by, CancellationToken cancellationToken)
        where T : class
    {
        foreach (var command in commands)
            command.By = by;
        try
        {
            await WriteValidAsync(commands, cancellationToken);
        }
        catch (Exception exception) when (IsFaultOfOne(exception))
        {
            if (commands.Count > 1)
                await RunOneByOneAsync(commands, exception, cancellationToken);
            else
                Fail(commands[0], exception);
        }
        return [.. commands.Select(command => Counted(command.Outcome))];
    }

    private async Task RunOneByOneAsync<T>(
        IReadOnlyList<Command<T>> commands, Exception reason, CancellationToken cancellationToken)
        where T : class
    {
        LogOneByOne(_logger, reason, commands.Count);
        Refusal? unavailable = null;
        foreach (var command in commands)
            try
            {
                if (unavailable is not null)
                    command.Refuse(unavailable);
                else
                    await WriteValidAsync([command], cancellationToken);
                unavailable = command.Outcome.Refusal as Refusal.Unavailable;
            }
            catch (Exception exception) when (IsFaultOfOne(exception))
            {
                Fail(command, exception);
            }
    }

    private void Fail(Command command, Exception exception)
    {
        LogFailed(_logger, exception, command.RequestId);
        command.Refuse(new Refusal.InternalError());
    }

    // A bug in the service, or a value that the database rejects: both concern a single command.
    private static bool IsFaultOfOne(Exception exception) =>
        exception is not OperationCanceledException && !DatabaseFailure.IsUnavailable(exception);

    private async Task WriteValidAsync<T>(IReadOnlyList<Command<T>> commands, CancellationToken cancellationToken)
        where T : class
    {
        var valid = commands.Where(IsValid).ToList();
        if (valid.Count > 0)
            await writer.WriteAsync(valid, cancellationToken);
    }

    /// <summary>Validates a command's fields and passes it to the writer.</summary>
    internal async Task<Outcome<T>> RunAsync<T>(Command<T> command, Actor by, CancellationToken cancellationToken)
        where T : class
    {
        command.By = by;
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

    private static void LogOneByOne(ILogger logger, Exception exception, int commands) =>
        logger.LogError(exception,
            "{Commands} commands could not be written together; each is now written alone",
            commands);

    private static void LogFailed(ILogger logger, Exception exception, string? requestId) =>
        logger.LogError(exception, "The command with the request id {RequestId} could not be written", requestId);
}
