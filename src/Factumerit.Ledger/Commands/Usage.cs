using System.Text.Json;

namespace Factumerit.Ledger.Commands;

/// <summary>One LLM call as a bot reports it. Answers POST /usage and each item of POST /usage/batch.</summary>
public sealed record UsageRequest
{
    /// <summary>The user who pays: 1 to 200 characters of letters, digits and @ . _ : + = -.</summary>
    public string? UserId { get; init; }

    /// <summary>What the user pays, in cents, from 0 to 10^12, with at most 7 decimals (one nano-dollar). A number, or a string that holds one.</summary>
    public decimal? AmountCents { get; init; }

    /// <summary>Names this call among the user's calls, 1 to 255 characters: the idempotency key. The same id again moves nothing.</summary>
    public string? RequestId { get; init; }

    /// <summary>The model that was called, at most 200 characters.</summary>
    public string? Model { get; init; }

    /// <summary>Tokens sent, 0 to 2147483647.</summary>
    public long? PromptTokens { get; init; }

    /// <summary>Tokens generated, 0 to 2147483647.</summary>
    public long? CompletionTokens { get; init; }

    /// <summary>For people, at most 1000 characters.</summary>
    public string? Description { get; init; }

    /// <summary>What the call belongs to at your side, such as a task or a message; at most 200 characters.</summary>
    public string? ReferenceId { get; init; }

    /// <summary>A JSON object of your own, at most 16 KiB, kept as sent.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>When the call happened, at most 5 minutes ahead; default: when it is recorded. Without an offset it is read as UTC.</summary>
    public DateTimeOffset? OccurredAt { get; init; }
}

/// <summary>A usage as it was recorded. Amounts are cents.</summary>
public sealed record RecordedUsage
{
    public required Guid UsageId { get; init; }
    public required string RequestId { get; init; }
    public required string UserId { get; init; }

    /// <summary>What the user paid, in cents.</summary>
    public required decimal AmountCents { get; init; }

    /// <summary>billed: the amount was taken from the budget.</summary>
    public required string BillingStatus { get; init; }

    /// <summary>The transaction that moved the money; null when the amount was 0 (R5).</summary>
    public Guid? TransactionId { get; init; }

    /// <summary>The balance after this usage, in cents.</summary>
    public required decimal BalanceCents { get; init; }

    /// <summary>When the call happened.</summary>
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>When it was recorded.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Records one LLM call and takes its price: debit user:U, credit expense:api (R4, R5, R6, R9, R11).</summary>
public sealed class Usage(UsageRequest request) : Command<RecordedUsage>
{
    public const string Billed = "billed";

    private readonly RequestHash _hash = RequestHash.Of(
        request.AmountCents, request.Model, request.PromptTokens, request.CompletionTokens, request.Description,
        request.ReferenceId, request.Metadata?.GetRawText(), request.OccurredAt);

    public override string? UserId => request.UserId;
    public override string? RequestId => request.RequestId;

    public override void Validate(FieldErrors errors)
    {
        errors.CheckUserId("user_id", request.UserId);
        errors.CheckAmount("amount_cents", request.AmountCents, zeroAllowed: true);
        errors.CheckKey("request_id", request.RequestId, "is required (or, for a single usage, the header Idempotency-Key): it names the call, so that a repeated report is billed only once");
        errors.CheckName("model", request.Model);
        errors.CheckTokens("prompt_tokens", request.PromptTokens);
        errors.CheckTokens("completion_tokens", request.CompletionTokens);
        errors.CheckText("description", request.Description);
        errors.CheckName("reference_id", request.ReferenceId);
        errors.CheckMetadata("metadata", request.Metadata);
        errors.CheckOccurredAt("occurred_at", request.OccurredAt);
    }

    protected override Outcome<RecordedUsage>? FirstAnswer(LedgerState state)
    {
        if (state.FindUsage(request.UserId!, request.RequestId!) is not { } first)
            return null;
        if (_hash.Value != first.RequestHash)
            return new Refusal.IdempotencyKeyReused(request.RequestId!);
        return new Outcome<RecordedUsage>(first.Usage, null, Replayed: true);
    }

    protected override Outcome<RecordedUsage> Decide(LedgerState state)
    {
        var (userId, amountCents) = (request.UserId!, request.AmountCents!.Value);
        var user = state.FindUser(userId);
        if (user is { IsDeleted: true })
            return new Refusal.UserDeleted(userId); // R11
        if (amountCents > 0 && user is not { BalanceCents: > 0 })
            return new Refusal.InsufficientCredit(userId, user?.BalanceCents ?? 0); // R4, R6
        if (user is not null && !user.CanMove(amountCents))
            return new Refusal.ValidationFailed("amount_cents", "would take this user's totals beyond what can be kept");

        user ??= state.OpenBudget(userId); // R6: a free usage gives an unknown user a budget
        Guid? transactionId = null;
        if (amountCents > 0)
        {
            var transaction = LedgerTransaction.Move(
                amountCents, debit: ChartOfAccounts.User(userId), credit: ChartOfAccounts.ApiExpense, "llm_call", request.RequestId, request.Description);
            state.Post(transaction);
            user.TotalSpentCents += amountCents;
            transactionId = transaction.Id;
        }
        return Record(state, user, amountCents, transactionId);
    }

    private RecordedUsage Record(LedgerState state, UserAccount user, decimal amountCents, Guid? transactionId)
    {
        var usage = new RecordedUsage
        {
            // From the time of the commit, so that ids of later commits sort behind: the integrity check finds new usages by them.
            UsageId = UuidV7.Next(state.Now),
            RequestId = request.RequestId!,
            UserId = user.UserId,
            AmountCents = amountCents,
            BillingStatus = Billed,
            TransactionId = transactionId,
            BalanceCents = user.BalanceCents,
            OccurredAt = request.OccurredAt is { } time ? ToMicroseconds(time) : state.Now,
            CreatedAt = state.Now,
        };
        state.Keep(new KeptUsage(_hash.Value, request, usage));
        return usage;
    }

    // What timestamptz keeps; cut here, so that the first answer and a replay say the same.
    private static DateTimeOffset ToMicroseconds(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
