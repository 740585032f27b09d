using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// Writes provider credit down: debit asset:P, credit expense:P. If the provider has more than the books say, debit
/// equity:adjustments, credit asset:P (R9). From usage it books the cost of the calls, each call once (R19).
/// </summary>
public sealed class WriteDown(WriteDownRequest request, string? idempotencyKey)
    : KeyedCommand<WriteDownReceipt>("write-down", idempotencyKey, LedgerJson.Default.WriteDownReceipt)
{
    /// <summary>
    /// The reference_id of transactions booked from usage. The integrity check finds their entries by it.
    /// </summary>
    public const string FromUsageReference = "usage";

    // Kept as sent, so a request that is repeated after an upgrade has the same hash.
    private readonly string _provider = request.Provider ?? ChartOfAccounts.DefaultProvider;

    internal override void Declare(Needs needs)
    {
        base.Declare(needs);
        needs.AllTotals();
        if (IsFromUsage)
            needs.UnwrittenCost(Vendor);
    }

    // Without from_usage and force, the hash is the same as before those fields existed: a request that is repeated
    // after the upgrade still matches.
    protected override RequestHash Hash => (IsFromUsage, request.Force) switch
    {
        (false, false) => RequestHash.Of(request.AmountCents, request.ActualBalanceCents, _provider, request.Reason),
        (true, false) => RequestHash.Of(null, null, _provider, request.Reason, "from_usage"),
        (false, true) =>
            RequestHash.Of(request.AmountCents, request.ActualBalanceCents, _provider, request.Reason, "force"),
        (true, true) => RequestHash.Of(null, null, _provider, request.Reason, "from_usage", "force"),
    };

    private bool IsFromUsage => request.FromUsage is true;

    private string Vendor => Vendors.Canonical(_provider);

    public override void Validate(FieldErrors errors)
    {
        base.Validate(errors);
        if (request.AmountCents is null && request.ActualBalanceCents is null && !IsFromUsage)
            errors.Add("amount_cents", "is required, unless actual_balance_cents or from_usage is given instead");
        if (IsFromUsage && (request.AmountCents ?? request.ActualBalanceCents) is not null)
            errors.Add("from_usage", "can't be given together with amount_cents or actual_balance_cents");
        if (request.AmountCents is not null && request.ActualBalanceCents is not null)
            errors.Add("actual_balance_cents", "can't be given together with amount_cents");
        if (request.AmountCents is not null)
            errors.CheckAmount("amount_cents", request.AmountCents, zeroAllowed: true);
        if (request.ActualBalanceCents is not null)
            errors.CheckAmount("actual_balance_cents", request.ActualBalanceCents, zeroAllowed: true);
        errors.CheckProvider("provider", _provider);
        errors.CheckText("reason", request.Reason);
    }

    protected override short StatusOf(WriteDownReceipt answer) =>
        answer.TransactionId is null ? (short)200 : (short)201;

    protected override Outcome<WriteDownReceipt> DecideNewRequest(WorkingSet state)
    {
        if (IsFromUsage)
            return BookUsage(state);
        // An account from before each vendor had one name can still be emptied.
        var provider = state.AssetCents(_provider) != 0 ? _provider : Vendor;
        var asset = ChartOfAccounts.Asset(provider);
        var consumedCents = request.AmountCents ?? (state.AssetCents(provider) - request.ActualBalanceCents!.Value);
        if (Math.Abs(consumedCents) > Money.OperationCentsMax)
            return new Refusal.ValidationFailed(
                "actual_balance_cents",
                $"is more than {Money.Format(Money.OperationCentsMax)} cents away from the books: "
                + "write it down in steps");
        if (FindMissingCredit(state, provider, consumedCents) is { } missing)
            return missing;
        var transaction = consumedCents switch
        {
            > 0 => LedgerTransaction.Move(
                consumedCents, debit: asset, credit: ChartOfAccounts.ProviderExpense(provider),
                "write_down", description: request.Reason),
            < 0 => LedgerTransaction.Move(
                -consumedCents, debit: ChartOfAccounts.AdjustmentsEquity, credit: asset,
                "write_down", description: request.Reason),
            _ => null,
        };
        if (transaction is not null)
            state.Post(transaction);
        return new WriteDownReceipt(transaction?.Id, consumedCents, state.Headroom());
    }

    // R19: the posting and the mark of how far it got are one commit. An amount beyond the limit of one operation, and
    // a remainder below the smallest unit, wait for the next write-down.
    private Outcome<WriteDownReceipt> BookUsage(WorkingSet state)
    {
        var consumedCents = 0m;
        var parts = new List<(string Provider, decimal Cents)>();
        foreach (var name in state.CostNamesOf(Vendor))
        {
            var dueCents = Math.Clamp(state.UnwrittenCents(name), 0, Money.OperationCentsMax - consumedCents);
            if (dueCents > 0)
                parts.Add((name, dueCents));
            consumedCents += dueCents;
        }
        if (consumedCents == 0)
            return new WriteDownReceipt(null, 0, state.Headroom());
        if (FindMissingCredit(state, Vendor, consumedCents) is { } missing)
            return missing;
        foreach (var (provider, cents) in parts)
            state.AddWriteDown(provider, cents);
        var transaction = LedgerTransaction.Move(
            consumedCents, debit: ChartOfAccounts.Asset(Vendor), credit: ChartOfAccounts.ProviderExpense(Vendor),
            "write_down", FromUsageReference, request.Reason);
        state.Post(transaction);
        return new WriteDownReceipt(transaction.Id, consumedCents, state.Headroom());
    }

    // A misspelt provider must not open an account silently, and a misplaced decimal point must not take an account
    // below 0.
    private Refusal.InsufficientProviderCredit? FindMissingCredit(
        WorkingSet state, string provider, decimal consumedCents)
    {
        if (request.Force || consumedCents == 0)
            return null;
        if (!state.HasAsset(Vendor))
            return new Refusal.InsufficientProviderCredit(provider, null, Math.Abs(consumedCents));
        return consumedCents > state.AssetCents(provider)
            ? new Refusal.InsufficientProviderCredit(provider, state.AssetCents(provider), consumedCents)
            : null;
    }
}
