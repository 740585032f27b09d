using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing.Tables;

namespace Factumerit.Ledger.Tests.Rules;

/// <summary>
/// The books in memory, as one commit sees them. After every command, R1, R3 and R14 are checked, and that a refusal or
/// a replay leaves no trace (R9, R10).
/// </summary>
internal sealed class Books(decimal openingCents = 0)
{
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    // The model needs no connection.
    private static readonly LedgerTables Tables = new(new LedgerDatabase("Host=nowhere").Model);

    private readonly List<UserAccount> _loaded = [];
    private decimal _loadedCents;
    private bool _areTotalsLoaded;
    private int _nextKey;

    public WorkingSet State { get; } = new(Now) { OpeningCents = openingCents };

    public bool HasChanges => Tables.HaveChanges(State);

    public IEnumerable<UserAccount> Users => _loaded.Union(State.ChangedUsers);

    /// <summary>A user who is there before the commit, with a balance that earlier commits posted.</summary>
    public Books WithUser(
        string userId, decimal balanceCents = 0, DateTimeOffset? deletedAt = null, bool isSignedUp = true)
    {
        var (debits, credits) = (Math.Max(-balanceCents, 0), Math.Max(balanceCents, 0));
        var before = Now.AddDays(-30);
        var user = new UserAccount
        {
            UserId = userId,
            BalanceCents = balanceCents,
            TotalSpentCents = debits,
            TotalAddedCents = credits,
            SignedUpAt = isSignedUp ? before : null,
            CreatedAt = before,
            UpdatedAt = before,
            DeletedAt = deletedAt,
        };
        State.Load(user);
        _loaded.Add(user);
        _loadedCents += balanceCents;
        return this;
    }

    public Books WithDeletedUser(string userId) => WithUser(userId, 0, Now.AddDays(-1));

    /// <summary>
    /// Sets the credit at the usual provider and what is owed to the users so far: the totals that the writer loads for
    /// commands that read them.
    /// </summary>
    public Books WithTotals(decimal assetCents)
    {
        WithProvider(ChartOfAccounts.DefaultProvider, assetCents);
        State.Load(new AccountTotalRow
        {
            Account = AccountTotalRow.AllUsers,
            CreditsCents = _loadedCents,
            EntryCount = _loaded.Count
        });
        _areTotalsLoaded = true;
        return this;
    }

    public Books WithProvider(string provider, decimal assetCents)
    {
        State.Load(new AccountTotalRow
        {
            Account = ChartOfAccounts.Asset(provider),
            CreditsCents = assetCents,
            EntryCount = 1,
        });
        return this;
    }

    /// <summary>A price book without prices.</summary>
    public static readonly Pricer NoPrices = new(PriceBook.Empty, Markups.None);

    /// <summary>The holds of these books, in the order in which they were placed or loaded.</summary>
    public IReadOnlyList<Guid> HoldIds => [.. State.Holds.Loaded.Select(hold => hold.Id)];

    public Hold? FindHold(Guid id) => State.Holds.Find(id);

    /// <summary>A hold of a user with this credit, both from before the commit.</summary>
    public Hold WithHold(string userId, decimal balanceCents, decimal heldCents, DateTimeOffset expiresAt)
    {
        var hold = new Hold
        {
            Id = Guid.NewGuid(),
            UserId = userId,
            State = Hold.Open,
            RequestedCents = heldCents,
            HeldCents = heldCents,
            AnswerKey = "earlier",
            ExpiresAt = expiresAt,
            CreatedAt = Now.AddMinutes(-10),
        };
        var user = UserAccount.Of(new BudgetRow
        {
            UserId = userId,
            BalanceCents = balanceCents,
            TotalAddedCents = balanceCents,
            SignedUpAt = Now.AddDays(-30),
            CreatedAt = Now.AddDays(-30),
            HeldCents = heldCents,
            HoldsExpireAt = expiresAt,
            HoldsVersion = 1,
        });
        State.Load(user);
        _loaded.Add(user);
        _loadedCents += balanceCents;
        State.Holds.Load(hold);
        if (expiresAt <= Now)
            user.Held.LoadExpired(heldCents, 1, null);
        return hold;
    }

    public Outcome<HoldAnswer> SetAside(string userId, decimal cents, bool isPartial = false, string? key = null) =>
        Apply(new PlaceHold(
            new() { UserId = userId, AmountCents = cents, Partial = isPartial }, key ?? NextKey(), NoPrices));

    /// <summary>Records a call that names a hold.</summary>
    public Outcome<RecordedUsage> Settle(string userId, decimal cents, Guid holdId, bool? closes = null) =>
        Apply(new RecordUsage(new()
        {
            UserId = userId,
            AmountCents = cents,
            RequestId = NextKey(),
            HoldId = holdId,
            ClosesHold = closes,
        }));

    /// <summary>Whose requests the commands are, unless they say otherwise.</summary>
    public static readonly Actor Root = new(3, "root");

    public decimal Balance(string userId) => State.FindUser(userId)!.BalanceCents;

    public Outcome<Registration> SignUp(
        string userId, decimal creditCents = 0, bool isOverridden = false, int? promoDays = null) =>
        Apply(new Signup(new()
        {
            UserId = userId,
            InitialCreditCents = creditCents,
            OverrideHeadroomCheck = isOverridden,
            PromoTtlDays = promoDays
        }));

    public Outcome<RecordedUsage> Use(string userId, decimal cents, string? requestId = null) =>
        Apply(new RecordUsage(new() { UserId = userId, AmountCents = cents, RequestId = requestId ?? NextKey() }));

    /// <summary>Spends on a working set of its own.</summary>
    public static void Use(WorkingSet set, string userId, decimal cents) =>
        new RecordUsage(new() { UserId = userId, AmountCents = cents, RequestId = "r" }).Apply(set);

    public Outcome<GrantReceipt> Grant(string userId, decimal cents, string? key = null) =>
        Apply(new Grant(new() { UserId = userId, AmountCents = cents }, key ?? NextKey()));

    public Outcome<PurchaseReceipt> Purchase(
        decimal creditsCents, decimal taxCents = 0, string? key = null, string? provider = null) =>
        Apply(new Purchase(
            new() { CreditsCents = creditsCents, SalesTaxCents = taxCents, Provider = provider }, key ?? NextKey()));

    public Outcome<WriteDownReceipt> WriteDown(
        decimal? amountCents = null, decimal? actualCents = null, string? key = null, string? provider = null,
        bool isForced = false) =>
        Apply(new WriteDown(new()
        {
            AmountCents = amountCents,
            ActualBalanceCents = actualCents,
            Provider = provider,
            Force = isForced
        }, key ?? NextKey()));

    public Outcome<Deletion> Delete(string userId) => Apply(new DeleteUser(userId));

    public Outcome<T> Apply<T>(Command<T> command)
        where T : class
    {
        if (command.By == Actor.Service)
            command.By = Root;
        var (before, changed) = (Describe(), State.ChangedUsages.ToList());
        command.Apply(State);
        AssertInStep();
        // A report of a call that waits may add to it, and leave it waiting.
        if (command.Outcome.Refusal is not null
            || (command.Outcome.Replayed && State.ChangedUsages.SequenceEqual(changed)))
            Describe().ShouldBe(before, "a refusal or a replay changed something (R9, R10)");
        return command.Outcome;
    }

    /// <summary>The entries that were posted, as <c>account debit credit</c>, in order.</summary>
    public string[] Entries() =>
        [.. State.NewEntries.Select(e =>
            $"{e.Account} {Money.Format(e.DebitCents)} {Money.Format(e.CreditCents)}")];

    /// <summary>The history that was written, without its times.</summary>
    public (string UserId, decimal AmountCents, decimal BalanceAfter, string Type, string? Description)[] History() =>
        [.. State.NewBudgetTransactions.Select(r =>
            (r.UserId, r.AmountCents, r.BalanceAfter, r.TransactionType, r.Description))];

    /// <summary>The costs of usages that were added to their providers.</summary>
    public (string Provider, decimal CostUsd)[] Costs() =>
        [.. State.NewProviderCosts.Where(c => c.WrittenDownCents == 0).Select(c => (c.Provider, c.CostUsd))];

    /// <summary>The parts of providers' costs that were written down.</summary>
    public (string Provider, decimal Cents)[] WriteDowns() =>
        [.. State.NewProviderCosts.Where(c => c.WrittenDownCents != 0).Select(c => (c.Provider, c.WrittenDownCents))];

    public (string SourceSystem, string ExternalId, Guid UsageId)[] Aliases() =>
        [.. State.NewAliases.Select(a => (a.SourceSystem, a.ExternalId, a.UsageId))];

    public (int ActorId, string Action, string Subject, string? Detail)[] Audited() =>
        [.. State.NewAuditRecords.Select(r => (r.ActorId, r.Action, r.Subject, r.Detail))];

    /// <summary>A stored answer from before answers were kept as they were sent.</summary>
    public static IdempotencyKeyRow Answer(string operation, string key, RequestHash hash, string json) =>
        new() { Operation = operation, Key = key, RequestHash = hash.Value, Answer = json };

    /// <summary>What a command must know before it can decide.</summary>
    public static Needs NeedsOf(Command command)
    {
        var needs = new Needs();
        command.Declare(needs);
        return needs;
    }

    /// <summary>What a command finds wrong with its fields.</summary>
    public static IReadOnlyDictionary<string, string[]> ErrorsOf(Command command)
    {
        var errors = new FieldErrors(Now);
        command.Validate(errors);
        return errors.ToRefusal().Errors;
    }

    private string NextKey() => $"key-{++_nextKey}";

    private void AssertInStep()
    {
        foreach (var transaction in State.NewEntries.GroupBy(e => e.TransactionId))
            transaction.Sum(e => e.CreditCents - e.DebitCents).ShouldBe(0, "R1");
        foreach (var user in Users)
        {
            user.BalanceCents.ShouldBe(
                (user.LoadedBalanceCents ?? 0) + user.CreditsCents - user.DebitsCents, $"R3: {user.UserId}");
            if (State.NewBudgetTransactions.LastOrDefault(r => r.UserId == user.UserId) is { } row)
                row.BalanceAfter.ShouldBe(user.BalanceCents, $"R3, R14: {user.UserId}");
            var moved = State.NewEntries.Count(e => e.Account == ChartOfAccounts.User(user.UserId));
            State.NewBudgetTransactions.Count(r => r.UserId == user.UserId).ShouldBe(moved, $"R14: {user.UserId}");
        }
        State.Headroom().LiabilityCents.ShouldBe(LiabilityCents(), "R8: what is owed is the sum of all budgets");
        foreach (var entries in State.NewEntries.GroupBy(e =>
            ChartOfAccounts.UserOf(e.Account) is null ? e.Account : AccountTotalRow.AllUsers))
        {
            var total = State.TotalChanges[entries.Key];
            total.DebitsCents.ShouldBe(entries.Sum(e => e.DebitCents), entries.Key);
            total.CreditsCents.ShouldBe(entries.Sum(e => e.CreditCents), entries.Key);
            total.EntryCount.ShouldBe(entries.Count(), entries.Key);
        }
    }

    // Without WithTotals the state knows only what this commit moved.
    private decimal LiabilityCents() =>
        State.OpeningCents + Users.Sum(u => u.BalanceCents) - (_areTotalsLoaded ? 0 : _loadedCents);

    private string Describe() => string.Join('\n', [
        $"{HasChanges} {State.NewEntries.Count} {State.NewBudgetTransactions.Count} {State.NewUsages.Count} "
        + $"{State.ChangedUsages.Count} {State.NewAnswers.Count} {State.NewProviderCosts.Count} "
        + $"{State.ChangedUsers.Count} {State.NewAuditRecords.Count}",
        .. State.TotalChanges.Values.Select(t => $"{t.Account} {t.DebitsCents} {t.CreditsCents} {t.EntryCount}"),
        .. Users.Select(u => $"{u.ToBudget()} {u.DebitsCents} {u.CreditsCents} {u.EntryCount}")]);
}
