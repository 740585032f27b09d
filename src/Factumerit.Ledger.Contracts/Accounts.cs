namespace Factumerit.Ledger.Contracts;

/// <summary>An account's totals in cents; balance = credits - debits.</summary>
public sealed record AccountBalance(
    string Account, string Type, decimal BalanceCents, decimal TotalDebits, decimal TotalCredits, long EntryCount);

/// <summary>A page of accounts by name. NextAfter: pass it as after= to get the next page; null at the end.</summary>
public sealed record AccountPage(IReadOnlyList<AccountBalance> Accounts, string? NextAfter);

/// <summary>
/// All types of accounts, whose nets add up to 0 when the books balance, and the usages that wait for review.
/// </summary>
public sealed record LedgerSummary(IReadOnlyList<TypeSummary> Types, WaitingReviews Review);

/// <summary>The accounts of one type together, in cents; net = credits - debits.</summary>
public sealed record TypeSummary(
    string Type, long Accounts, decimal Debits, decimal Credits, decimal Net, long Entries);
