using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Reading;

/// <summary>One entry as answered. Amounts are cents; either the debit or the credit is positive, the other 0 (R2).</summary>
/// <param name="Id">Grows in the order of commits (R13).</param>
/// <param name="TransactionId">Shared by the entries that balance each other.</param>
/// <param name="Account">A name of the chart of accounts.</param>
/// <param name="DebitCents">The debit, or 0.</param>
/// <param name="CreditCents">The credit, or 0.</param>
/// <param name="Description">For people.</param>
/// <param name="ReferenceType">The operation.</param>
/// <param name="ReferenceId">The request, admin or invoice that caused it.</param>
/// <param name="CreatedAt">When it was committed.</param>
/// <param name="PostedBy">Whose request posted it; null for entries from before this was kept.</param>
public sealed record LedgerEntry(
    long Id, Guid TransactionId, string Account, decimal DebitCents, decimal CreditCents,
    string? Description, string? ReferenceType, string? ReferenceId, DateTimeOffset CreatedAt, ActorName? PostedBy);

/// <summary>
/// Whose request it was. ApiKeyId: the API key; null for the bootstrap key, and for the service's own work. Name: of
/// the key; or bootstrap, or service.
/// </summary>
public sealed record ActorName(Guid? ApiKeyId, string Name);

/// <summary>A page of budgets by user_id. NextAfter: pass it as after= to get the next page; null at the end.</summary>
public sealed record BudgetPage(IReadOnlyList<Budget> Users, string? NextAfter);

/// <summary>A page of entries, newest first. NextBefore: pass it as before= to get the next page; null at the end.</summary>
public sealed record EntryPage(IReadOnlyList<LedgerEntry> Entries, long? NextBefore);

/// <summary>A row of the history that the system before the ledger kept. AmountCents is signed: positive adds credit.</summary>
public sealed record BudgetTransaction(
    long Id, string UserId, decimal AmountCents, decimal BalanceAfter, string TransactionType, string? Description, DateTimeOffset CreatedAt);

/// <summary>A page of that history, newest first. NextBefore: pass it as before= to get the next page; null at the end.</summary>
public sealed record BudgetTransactionPage(IReadOnlyList<BudgetTransaction> Transactions, long? NextBefore);

/// <summary>A transaction with its entries. PostedBy: whose request it was; null from before this was kept.</summary>
public sealed record TransactionDetail(
    Guid TransactionId, string? Description, string? ReferenceType, string? ReferenceId, DateTimeOffset CreatedAt,
    ActorName? PostedBy, IReadOnlyList<LedgerEntry> Entries);

/// <summary>A usage with all that was reported of it, and what a review made of it. Amounts are cents; provider_cost_usd is US dollars, exact.</summary>
/// <param name="UsageId">Its id here.</param>
/// <param name="RequestId">The caller's name of the call.</param>
/// <param name="UserId">Who pays; null while nobody knows.</param>
/// <param name="AmountCents">What the user paid; null until billed.</param>
/// <param name="BillingStatus">billed, needs_review or waived.</param>
/// <param name="ReviewReason">Why it could not be billed when it was reported; null when it was.</param>
/// <param name="TransactionId">The transaction that moved the money, if any did.</param>
/// <param name="BalanceCents">The balance after it was recorded, or after its review.</param>
/// <param name="Model">The model that was called.</param>
/// <param name="Provider">Who charges for it.</param>
/// <param name="ProviderCostUsd">What the provider charges; null when unknown.</param>
/// <param name="MarkupFactor">The factor from cost to price; null when the amount was given.</param>
/// <param name="PriceVersion">The version of the price book that gave the cost.</param>
/// <param name="OccurredAt">When the call happened.</param>
/// <param name="CreatedAt">When it was recorded.</param>
/// <param name="PromptTokens">Tokens sent, in all.</param>
/// <param name="CompletionTokens">Tokens generated, in all.</param>
/// <param name="CacheReadTokens">Of those sent: read from the cache.</param>
/// <param name="CacheWriteTokens">Of those sent: written to the cache.</param>
/// <param name="ReasoningTokens">Of those generated: reasoning.</param>
/// <param name="Usage">The provider's own account of the call.</param>
/// <param name="Description">For people.</param>
/// <param name="ReferenceId">What the call belongs to at the caller's side.</param>
/// <param name="Metadata">The caller's own, as sent.</param>
/// <param name="SourceSystem">Who reported it: api, or a system whose calls are taken in.</param>
/// <param name="ExternalId">Its first id at that system.</param>
/// <param name="VirtualKeyId">The key at LiteLLM that it was called with.</param>
/// <param name="ReviewedBy">The key that billed or waived it.</param>
/// <param name="ReviewedAt">When that was.</param>
/// <param name="ReviewNote">The reason of a waiver.</param>
/// <param name="FilledAt">When a later report of the same call added what was not known before.</param>
/// <param name="PayerHint">What the report of a call without a user says of its payer: key_alias, key_hash, user_id, email, end_user.</param>
/// <param name="PostedBy">Whose request recorded it; null from before this was kept.</param>
/// <param name="Reviewer">Whose request billed or waived it.</param>
public sealed record UsageDetail(
    Guid UsageId, string RequestId, string? UserId, decimal? AmountCents, string BillingStatus, string? ReviewReason, Guid? TransactionId, decimal BalanceCents,
    string? Model, string? Provider, decimal? ProviderCostUsd, decimal? MarkupFactor, long? PriceVersion, DateTimeOffset OccurredAt, DateTimeOffset CreatedAt,
    long? PromptTokens, long? CompletionTokens, long? CacheReadTokens, long? CacheWriteTokens, long? ReasoningTokens, JsonElement? Usage,
    string? Description, string? ReferenceId, JsonElement? Metadata, string SourceSystem, string? ExternalId, Guid? VirtualKeyId,
    string? ReviewedBy, DateTimeOffset? ReviewedAt, string? ReviewNote, DateTimeOffset? FilledAt,
    JsonElement? PayerHint, ActorName? PostedBy, ActorName? Reviewer);

/// <summary>An account's totals in cents; balance = credits - debits.</summary>
public sealed record AccountBalance(string Account, string Type, decimal BalanceCents, decimal TotalDebits, decimal TotalCredits, long EntryCount);

/// <summary>A page of accounts by name. NextAfter: pass it as after= to get the next page; null at the end.</summary>
public sealed record AccountPage(IReadOnlyList<AccountBalance> Accounts, string? NextAfter);

/// <summary>The accounts of one type together, in cents; net = credits - debits.</summary>
public sealed record TypeSummary(string Type, long Accounts, decimal Debits, decimal Credits, decimal Net, long Entries);

/// <summary>All types of accounts, whose nets add up to 0 when the books balance, and the usages that wait for review.</summary>
public sealed record LedgerSummary(IReadOnlyList<TypeSummary> Types, WaitingReviews Review);

/// <summary>Something that breaks a rule. Kind says which, id names the transaction, user or account.</summary>
public sealed record IntegrityFault(string Kind, string Id, string Detail)
{
    /// <summary>Names it for POST /ledger/faults/{id}/resolve; null until a background check has found it.</summary>
    public long? FaultId { get; init; }

    /// <summary>When a background check first found it.</summary>
    public DateTimeOffset? FoundAt { get; init; }

    /// <summary>Whether this check was the first to find it.</summary>
    [JsonIgnore]
    public bool IsNew { get; init; }
}

/// <summary>
/// Whether the books balance: debits equal credits, and no rule is broken anywhere. Amounts are cents. Faults: those
/// found now, and those of before that nobody has resolved. FullyCheckedAt: when the background check last read
/// everything from the first entry on; later checks read what came after.
/// </summary>
public sealed record IntegrityReport(
    bool IsBalanced, decimal TotalDebits, decimal TotalCredits, decimal Imbalance, long EntryCount, long TransactionCount,
    IReadOnlyList<IntegrityFault> Faults, DateTimeOffset? FullyCheckedAt)
{
    /// <summary>With the faults of earlier checks that stand, those of one kind together.</summary>
    internal IntegrityReport WithStanding(IReadOnlyList<IntegrityFault> standing)
    {
        if (standing.Count == 0)
            return this;
        var known = standing.ToDictionary(f => (f.Kind, f.Id));
        var found = Faults.Select(f => known.Remove((f.Kind, f.Id), out var kept)
            ? f with { FaultId = kept.FaultId, FoundAt = kept.FoundAt }
            : f);
        var faults = found.ToList().Concat(known.Values).GroupBy(f => f.Kind, StringComparer.Ordinal)
            .SelectMany(kind => kind.Take(IntegrityCheck.FaultsMaxPerKind));
        return this with { IsBalanced = false, Faults = [.. faults] };
    }
}

/// <summary>A fault as a background check keeps it. Id names the transaction, user or account.</summary>
public sealed record KeptFault(
    long FaultId, string Kind, string Id, string Detail, DateTimeOffset FoundAt, DateTimeOffset LastSeenAt,
    DateTimeOffset? ResolvedAt, string? ResolvedBy, string? Reason);

/// <summary>
/// A page of faults, newest first. NextBefore: pass it as before= to get the next page; null at the end.
/// </summary>
public sealed record FaultPage(IReadOnlyList<KeptFault> Faults, long? NextBefore);
