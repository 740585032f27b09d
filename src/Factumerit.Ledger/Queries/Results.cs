using System.Text.Json;

namespace Factumerit.Ledger.Queries;

/// <summary>
/// One entry as returned to clients. Amounts are cents. Either the debit or the credit is positive, the other 0 (R2).
/// </summary>
/// <param name="Id">The id; ids increase in the order of commits (R13).</param>
/// <param name="TransactionId">The transaction; its entries balance.</param>
/// <param name="Account">An account of the chart of accounts.</param>
/// <param name="DebitCents">The debit, or 0.</param>
/// <param name="CreditCents">The credit, or 0.</param>
/// <param name="Description">A text for people.</param>
/// <param name="ReferenceType">The operation.</param>
/// <param name="ReferenceId">The request, admin or invoice that caused it.</param>
/// <param name="CreatedAt">When it was committed.</param>
/// <param name="PostedBy">The actor whose request posted it; null for entries from before actors were stored.</param>
public sealed record LedgerEntry(
    long Id, Guid TransactionId, string Account, decimal DebitCents, decimal CreditCents,
    string? Description, string? ReferenceType, string? ReferenceId, DateTimeOffset CreatedAt, ActorName? PostedBy);

/// <summary>
/// The actor of a request. ApiKeyId: the API key; null for the bootstrap key and for the service's own work. Name: the
/// key's name, or bootstrap, or service.
/// </summary>
public sealed record ActorName(Guid? ApiKeyId, string Name);

/// <summary>A page of budgets by user_id. NextAfter: pass it as after= to get the next page; null at the end.</summary>
public sealed record BudgetPage(IReadOnlyList<Budget> Users, string? NextAfter);

/// <summary>
/// A page of entries, newest first. NextBefore: pass it as before= to get the next page; null at the end.
/// </summary>
public sealed record EntryPage(IReadOnlyList<LedgerEntry> Entries, long? NextBefore);

/// <summary>
/// A row of the history in the format of the system before the ledger. AmountCents is signed: positive adds credit.
/// </summary>
public sealed record BudgetTransaction(
    long Id, string UserId, decimal AmountCents, decimal BalanceAfter, string TransactionType, string? Description,
    DateTimeOffset CreatedAt);

/// <summary>
/// A page of that history, newest first. NextBefore: pass it as before= to get the next page; null at the end.
/// </summary>
public sealed record BudgetTransactionPage(IReadOnlyList<BudgetTransaction> Transactions, long? NextBefore);

/// <summary>
/// A transaction with its entries. PostedBy: the actor whose request posted it; null from before actors were stored.
/// </summary>
public sealed record TransactionDetail(
    Guid TransactionId, string? Description, string? ReferenceType, string? ReferenceId, DateTimeOffset CreatedAt,
    ActorName? PostedBy, IReadOnlyList<LedgerEntry> Entries);

/// <summary>
/// A usage with everything that was reported of it, and the result of its review. Amounts are cents; provider_cost_usd
/// is in US dollars, exact.
/// </summary>
/// <param name="UsageId">The usage's id in the ledger.</param>
/// <param name="RequestId">The caller's id of the call.</param>
/// <param name="UserId">The user who pays; null while unknown.</param>
/// <param name="AmountCents">What the user paid; null until billed.</param>
/// <param name="BillingStatus">billed, needs_review or waived.</param>
/// <param name="ReviewReason">Why it could not be billed when it was reported; null if it was billed then.</param>
/// <param name="TransactionId">The transaction that moved the money, if any did.</param>
/// <param name="BalanceCents">The balance after it was recorded, or after its review.</param>
/// <param name="Model">The model that was called.</param>
/// <param name="Provider">The provider that charges for it.</param>
/// <param name="ProviderCostUsd">What the provider charges; null when unknown.</param>
/// <param name="MarkupFactor">The factor from cost to price; null when the amount was given.</param>
/// <param name="PriceVersion">The version of the price book that the cost comes from.</param>
/// <param name="OccurredAt">When the call happened.</param>
/// <param name="CreatedAt">When it was recorded.</param>
/// <param name="PromptTokens">All tokens sent.</param>
/// <param name="CompletionTokens">All tokens generated.</param>
/// <param name="CacheReadTokens">The tokens sent that were read from the cache.</param>
/// <param name="CacheWriteTokens">The tokens sent that were written to the cache.</param>
/// <param name="ReasoningTokens">The tokens generated for reasoning.</param>
/// <param name="Usage">The provider's own usage object of the call.</param>
/// <param name="Description">A text for people.</param>
/// <param name="ReferenceId">The object at the caller that the call belongs to.</param>
/// <param name="Metadata">The caller's own metadata, as sent.</param>
/// <param name="SourceSystem">The reporting system: api, or a system whose reports are taken in.</param>
/// <param name="ExternalId">Its first id at that system.</param>
/// <param name="VirtualKeyId">The key at LiteLLM that the call was made with.</param>
/// <param name="ReviewedBy">The name of the API key that billed or waived it.</param>
/// <param name="ReviewedAt">When it was billed or waived.</param>
/// <param name="ReviewNote">The reason for a waiver.</param>
/// <param name="FilledAt">When a later report of the same call added missing data.</param>
/// <param name="PayerHint">
/// What the report of a call without a user says of its payer: key_alias, key_hash, user_id, email, end_user.
/// </param>
/// <param name="PostedBy">The actor whose request recorded it; null from before actors were stored.</param>
/// <param name="Reviewer">The actor whose request billed or waived it.</param>
public sealed record UsageDetail(
    Guid UsageId, string RequestId, string? UserId, decimal? AmountCents, string BillingStatus, string? ReviewReason,
    Guid? TransactionId, decimal BalanceCents, string? Model, string? Provider, decimal? ProviderCostUsd,
    decimal? MarkupFactor, long? PriceVersion, DateTimeOffset OccurredAt, DateTimeOffset CreatedAt,
    long? PromptTokens, long? CompletionTokens, long? CacheReadTokens, long? CacheWriteTokens, long? ReasoningTokens,
    JsonElement? Usage, string? Description, string? ReferenceId, JsonElement? Metadata, string SourceSystem,
    string? ExternalId, Guid? VirtualKeyId, string? ReviewedBy, DateTimeOffset? ReviewedAt, string? ReviewNote,
    DateTimeOffset? FilledAt, JsonElement? PayerHint, ActorName? PostedBy, ActorName? Reviewer);

/// <summary>An account's totals in cents; balance = credits - debits.</summary>
public sealed record AccountBalance(
    string Account, string Type, decimal BalanceCents, decimal TotalDebits, decimal TotalCredits, long EntryCount);

/// <summary>A page of accounts by name. NextAfter: pass it as after= to get the next page; null at the end.</summary>
public sealed record AccountPage(IReadOnlyList<AccountBalance> Accounts, string? NextAfter);

/// <summary>The accounts of one type together, in cents; net = credits - debits.</summary>
public sealed record TypeSummary(
    string Type, long Accounts, decimal Debits, decimal Credits, decimal Net, long Entries);

/// <summary>
/// All types of accounts, whose nets add up to 0 when the books balance, and the usages that wait for review.
/// </summary>
public sealed record LedgerSummary(IReadOnlyList<TypeSummary> Types, WaitingReviews Review);
