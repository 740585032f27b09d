using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules;

/// <summary>
/// The books in memory, as one commit sees them. After every command, R1, R3 and R14 are checked, and that a refusal or
/// a replay leaves no trace (R9, R10).
/// </summary>
internal sealed class Books(decimal openingCents = 0)
{
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly List<UserAccount> _loaded = [];
    private decimal _loadedCents;
    private bool _areTotalsLoaded;
    private int _nextKey;

    public WorkingSet State { get; } = new(Now) { OpeningCents = openingCents };

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
        State.Load(new AccountTotal
        {
            Account = AccountTotal.AllUsers,
            CreditsCents = _loadedCents,
            EntryCount = _loaded.Count
        });
        _areTotalsLoaded = true;
        return this;
    }

    public Books WithProvider(string provider, decimal assetCents)
    {
        State.Load(
            new AccountTotal { Account = ChartOfAccounts.Asset(provider), CreditsCents = assetCents, EntryCount = 1 });
        return this;
    }

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
            $"{e.Entry.Account} {Money.Format(e.Entry.DebitCents)} {Money.Format(e.Entry.CreditCents)}")];

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
        foreach (var transaction in State.NewEntries.GroupBy(e => e.Transaction.Id))
            transaction.Sum(e => e.Entry.CreditCents - e.Entry.DebitCents).ShouldBe(0, "R1");
        foreach (var user in Users)
        {
            user.BalanceCents.ShouldBe(
                (user.LoadedBalanceCents ?? 0) + user.CreditsCents - user.DebitsCents, $"R3: {user.UserId}");
            if (State.NewLegacyRows.LastOrDefault(r => r.UserId == user.UserId) is { } row)
                row.BalanceAfterCents.ShouldBe(user.BalanceCents, $"R3, R14: {user.UserId}");
            var moved = State.NewEntries.Count(e => e.Entry.Account == ChartOfAccounts.User(user.UserId));
            State.NewLegacyRows.Count(r => r.UserId == user.UserId).ShouldBe(moved, $"R14: {user.UserId}");
        }
        State.Headroom().LiabilityCents.ShouldBe(LiabilityCents(), "R8: what is owed is the sum of all budgets");
        foreach (var entries in State.NewEntries.GroupBy(e =>
            ChartOfAccounts.UserOf(e.Entry.Account) is null ? e.Entry.Account : AccountTotal.AllUsers))
        {
            var total = State.TotalChanges[entries.Key];
            total.DebitsCents.ShouldBe(entries.Sum(e => e.Entry.DebitCents), entries.Key);
            total.CreditsCents.ShouldBe(entries.Sum(e => e.Entry.CreditCents), entries.Key);
            total.EntryCount.ShouldBe(entries.Count(), entries.Key);
        }
    }

    // Without WithTotals the state knows only what this commit moved.
    private decimal LiabilityCents() =>
        State.OpeningCents + Users.Sum(u => u.BalanceCents) - (_areTotalsLoaded ? 0 : _loadedCents);

    private string Describe() => string.Join('\n', [
        $"{State.HasChanges} {State.NewEntries.Count} {State.NewLegacyRows.Count} {State.NewUsages.Count} "
        + $"{State.ChangedUsages.Count} {State.NewAnswers.Count} {State.NewProviderCosts.Count} "
        + $"{State.NewUsageWriteDowns.Count} {State.ChangedUsers.Count} {State.NewAuditRecords.Count}",
        .. State.TotalChanges.Values.Select(t => $"{t.Account} {t.DebitsCents} {t.CreditsCents} {t.EntryCount}"),
        .. Users.Select(u => $"{u.ToBudget()} {u.DebitsCents} {u.CreditsCents} {u.EntryCount}")]);
}
