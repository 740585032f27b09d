using Factumerit.Ledger.Pricing;

using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger;

/// <summary>
/// The rows that one commit knows and changes: those that the writer loaded and locked, or cached budgets that the
/// commit will verify, and the decisions of the commit's commands in order. Works purely in memory: commands read and
/// post here, and the writer saves the result. One instance serves one attempt.
/// </summary>
public sealed class WorkingSet
{
    private readonly Dictionary<string, UserAccount> _users;
    private readonly HashSet<UserAccount> _changedUsers;
    private readonly Dictionary<(string UserId, string RequestId), UsageRow> _usages;
    private readonly Dictionary<(string SourceSystem, string ExternalId), UsageRow> _aliases = [];
    private readonly Dictionary<Guid, UsageRow> _reviewable = [];
    private readonly Dictionary<Guid, UsageRow> _changedUsages = [];
    private readonly Dictionary<(string Operation, string Key), IdempotencyKeyRow> _answers = [];
    private readonly Dictionary<string, AccountTotalRow> _totals = new(StringComparer.Ordinal);
    private readonly Dictionary<string, UnwrittenCost> _unwrittenCosts = new(StringComparer.Ordinal);

    /// <param name="now">The time of the commit.</param>
    /// <param name="commands">The approximate number of commands; sets the initial capacity of the
    /// collections.</param>
    public WorkingSet(DateTimeOffset now, int commands = 0)
    {
        Now = now;
        Holds = new HoldChanges(now, Touch);
        _users = new(commands, StringComparer.Ordinal);
        _changedUsers = new(commands);
        _usages = new(commands);
        (NewEntries, NewBudgetTransactions, NewUsages) = (new(2 * commands), new(commands), new(commands));
    }

    /// <summary>
    /// The time of this commit, never before that of an earlier commit (R13). Every row that the commit writes carries
    /// it.
    /// </summary>
    public DateTimeOffset Now { get; }

    /// <summary>The time of the database's clock when this state was loaded.</summary>
    public DateTimeOffset DatabaseTime { get; init; }

    /// <summary>Users' balances from before the ledger: owed to them, but not in any entry (R3).</summary>
    public decimal OpeningCents { get; init; }

    /// <summary>The actor of the command that decides now.</summary>
    public Actor By { get; set; } = Actor.Service;

    public List<EntryRow> NewEntries { get; }
    public List<BudgetTransactionRow> NewBudgetTransactions { get; }
    public List<UsageRow> NewUsages { get; }
    public List<UsageAliasRow> NewAliases { get; } = [];

    /// <summary>Usages that waited for review when the commit began.</summary>
    public IReadOnlyCollection<UsageRow> Reviewable => _reviewable.Values;
    public IReadOnlyCollection<UsageRow> ChangedUsages => _changedUsages.Values;

    /// <summary>Costs and write-downs that this commit adds to its providers' sums.</summary>
    public List<ProviderUsageCostRow> NewProviderCosts { get; } = [];
    public List<IdempotencyKeyRow> NewAnswers { get; } = [];
    public List<AuditLogRow> NewAuditRecords { get; } = [];
    public VirtualKeyChanges VirtualKeys { get; } = new();
    public HoldChanges Holds { get; }
    public IReadOnlyCollection<UserAccount> Users => _users.Values;
    public IReadOnlyCollection<UserAccount> ChangedUsers => _changedUsers;
    public Dictionary<string, AccountTotalRow> TotalChanges { get; } = new(StringComparer.Ordinal);

    public void Load(UserAccount user)
    {
        user.BeginCommit();
        _users.Add(user.UserId, user);
    }

    /// <summary>Loads a usage of a user.</summary>
    public void Load(UsageRow usage)
    {
        _usages[(usage.UserId!, usage.RequestId)] = usage;
        LoadReviewable(usage);
    }

    /// <summary>Loads a usage that is known under this id at another system (R17).</summary>
    public void LoadAlias(string sourceSystem, string externalId, UsageRow usage)
    {
        _aliases.Add((sourceSystem, externalId), usage);
        LoadReviewable(usage);
    }

    /// <summary>Loads a usage that a command of this commit reviews, whatever its status is by now.</summary>
    public void LoadById(UsageRow usage) => _reviewable[usage.Id] = usage;

    public void Load(IdempotencyKeyRow answer) => _answers.Add((answer.Operation, answer.Key), answer);

    /// <summary>Totals are loaded only for commands that need them.</summary>
    public void Load(AccountTotalRow total) => _totals.Add(total.Account, total);

    /// <summary>
    /// Usage costs are loaded only for commands that need them. A provider without usage has none.
    /// </summary>
    public void Load(UnwrittenCost cost) => _unwrittenCosts.Add(cost.Provider, cost);

    public UserAccount? FindUser(string userId) => _users.GetValueOrDefault(userId);

    public UsageRow? FindUsage(string userId, string requestId) => _usages.GetValueOrDefault((userId, requestId));

    public UsageRow? FindUsageByAlias(string sourceSystem, string externalId) =>
        _aliases.GetValueOrDefault((sourceSystem, externalId));

    /// <summary>A usage that waited for review, with the changes of this commit.</summary>
    public UsageRow? FindForReview(Guid usageId) => _reviewable.GetValueOrDefault(usageId);

    public IdempotencyKeyRow? FindAnswer(string operation, string key) => _answers.GetValueOrDefault((operation, key));

    /// <summary>Opens a budget of 0 for a user who has none yet.</summary>
    public UserAccount OpenBudget(string userId)
    {
        var user = new UserAccount { UserId = userId, CreatedAt = Now, UpdatedAt = Now };
        _users.Add(userId, user);
        _changedUsers.Add(user);
        return user;
    }

    /// <summary>
    /// Posts a transaction: its entries and, in the same commit, the user's balance, the legacy row (R14) and the
    /// account totals (R3).
    /// </summary>
    public void Post(LedgerTransaction transaction)
    {
        foreach (var entry in transaction.Entries)
        {
            NewEntries.Add(new EntryRow
            {
                TransactionId = transaction.Id,
                Account = entry.Account,
                DebitCents = entry.DebitCents,
                CreditCents = entry.CreditCents,
                Description = transaction.Description,
                ReferenceType = transaction.ReferenceType,
                ReferenceId = transaction.ReferenceId,
                PostedBy = By.Id,
                CreatedAt = Now,
            });
            if (ChartOfAccounts.UserOf(entry.Account) is { } userId)
            {
                PostToUser(_users[userId], transaction, entry);
                AddToTotal(AccountTotalRow.AllUsers, entry);
            }
            else
                AddToTotal(entry.Account, entry);
        }
    }

    /// <summary>Adds a change other than a posting to the audit log, in the same commit.</summary>
    /// <param name="action">One of <see cref="AuditActions"/>.</param>
    /// <param name="subject">The id of the changed object.</param>
    /// <param name="detail">Further details; properties are named as in the API.</param>
    public void Audit(string action, string subject, object? detail = null) =>
        NewAuditRecords.Add(AuditLogRow.Of(Now, By, action, subject, detail));

    /// <summary>Marks the user's row as changed, so the commit writes it.</summary>
    public void Touch(UserAccount user)
    {
        user.Touch(Now);
        _changedUsers.Add(user);
    }

    /// <summary>Adds a usage, with the ids under which another system reports it.</summary>
    public void Add(UsageRow usage, IEnumerable<string> aliases)
    {
        if (usage.UserId is not null)
            Load(usage);
        else
            LoadReviewable(usage);
        NewUsages.Add(usage);
        AddProviderCost(usage.Provider, usage.ProviderCostUsd);
        foreach (var externalId in aliases)
            AddAlias(usage.SourceSystem, externalId, usage);
    }

    /// <summary>
    /// Adds an id under which the usage is known from now on (R17). An id that is already known stays with its usage.
    /// </summary>
    public void AddAlias(string sourceSystem, string externalId, UsageRow usage)
    {
        if (_aliases.TryAdd((sourceSystem, externalId), usage))
            NewAliases.Add(new UsageAliasRow
            {
                SourceSystem = sourceSystem,
                ExternalId = externalId,
                UsageId = usage.Id,
            });
    }

    /// <summary>
    /// Changes a waiting usage that was reviewed, or to which a later report added values. Its cost counts for the
    /// provider once both the cost and the provider are known (R19).
    /// </summary>
    public void Change(UsageRow changed)
    {
        var waiting = _reviewable[changed.Id];
        _reviewable[changed.Id] = _changedUsages[changed.Id] = changed;
        if (waiting.Provider is null || waiting.ProviderCostUsd is null)
            AddProviderCost(changed.Provider, changed.ProviderCostUsd);
        // From now on the user has a usage with this request id (R9, R17).
        if (waiting.UserId is null && changed.UserId is not null)
            _usages[(changed.UserId, changed.RequestId)] = changed;
    }

    /// <summary>
    /// Adds the cost of a usage stored in this commit to its provider's sum. Does nothing if the provider or the cost
    /// is unknown.
    /// </summary>
    public void AddProviderCost(string? provider, decimal? costUsd)
    {
        if (provider is not null && costUsd is { } usd)
            NewProviderCosts.Add(new ProviderUsageCostRow { Provider = provider, CostUsd = usd });
    }

    /// <summary>Marks a part of a provider's usage cost as written down (R19).</summary>
    public void AddWriteDown(string provider, decimal cents) =>
        NewProviderCosts.Add(new ProviderUsageCostRow { Provider = provider, WrittenDownCents = cents });

    public void Add(IdempotencyKeyRow answer)
    {
        Load(answer);
        NewAnswers.Add(answer);
    }

    /// <summary>
    /// The cost of a provider's usage that is not written down yet, as of the last decision of this commit, in cents,
    /// truncated to 7 decimals (R19). Whole units of 7 decimals and the remainders below them are summed separately,
    /// because a sum of costs may need more digits than a decimal has.
    /// </summary>
    public decimal UnwrittenCents(string provider)
    {
        var (wholeCents, restCents) = _unwrittenCosts.TryGetValue(provider, out var loaded)
            ? (loaded.WholeCents, loaded.RestCents)
            : (0, 0);
        foreach (var cost in NewProviderCosts.Where(c => c.Provider == provider))
        {
            var costCents = cost.CostUsd * 100;
            var cutCents = Money.Cut(costCents);
            wholeCents += cutCents;
            restCents += costCents - cutCents;
        }
        return wholeCents + Money.Cut(restCents)
            - NewProviderCosts.Where(c => c.Provider == provider).Sum(c => c.WrittenDownCents);
    }

    /// <summary>
    /// The provider names under which a vendor's costs are stored: its own, and those from before each vendor had one
    /// name.
    /// </summary>
    public IReadOnlyList<string> CostNamesOf(string vendor) =>
        [
            vendor,
            .. _unwrittenCosts.Keys
                .Where(name => name != vendor && Vendors.Canonical(name) == vendor)
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Whether anything was ever booked on an asset account of the vendor, under any of its names.</summary>
    public bool HasAsset(string vendor) =>
        _totals.Keys.Any(account => ChartOfAccounts.ProviderOf(account) is { } provider
            && Vendors.Canonical(provider) == vendor);

    public decimal AssetCents(string provider) =>
        _totals.TryGetValue(ChartOfAccounts.Asset(provider), out var total) ? total.BalanceCents : 0;

    /// <summary>
    /// Assets less what is owed to users. Includes the postings of this commit, so two signups never spend the same
    /// headroom (R8).
    /// </summary>
    public Headroom Headroom()
    {
        var providers = _totals.Values
            .Select(t => (Provider: ChartOfAccounts.ProviderOf(t.Account), t.BalanceCents))
            .Where(t => t.Provider is not null)
            .OrderBy(t => t.Provider, StringComparer.Ordinal)
            .Select(t => new ProviderBalance(t.Provider!, t.BalanceCents))
            .ToList();
        var assetCents = providers.Sum(p => p.BalanceCents);
        var liabilityCents = OpeningCents
            + (_totals.TryGetValue(AccountTotalRow.AllUsers, out var owed) ? owed.BalanceCents : 0);
        return new Headroom(assetCents, liabilityCents, assetCents - liabilityCents, providers);
    }

    // A waiting usage may be found by request id, alias or usage id in the same commit. All of them share one row.
    private void LoadReviewable(UsageRow usage)
    {
        if (usage.BillingStatus == BillingStatuses.NeedsReview)
            _reviewable.TryAdd(usage.Id, usage);
    }

    private void PostToUser(UserAccount user, LedgerTransaction transaction, Entry entry)
    {
        user.Post(entry);
        Touch(user);
        NewBudgetTransactions.Add(new BudgetTransactionRow
        {
            UserId = user.UserId,
            AmountCents = entry.CreditCents - entry.DebitCents,
            BalanceAfter = user.BalanceCents,
            TransactionType = transaction.ReferenceType,
            Description = transaction.Description,
            CreatedAt = Now,
        });
    }

    private void AddToTotal(string account, Entry entry)
    {
        Total(TotalChanges).Add(entry);
        Total(_totals).Add(entry);

        AccountTotalRow Total(Dictionary<string, AccountTotalRow> totals) =>
            totals.TryGetValue(account, out var total)
                ? total
                : totals[account] = new AccountTotalRow { Account = account };
    }
}

/// <summary>
/// The cost of a provider's usage that was not written down before this commit, in cents: the part to 7 decimals, and
/// the remainder below.
/// </summary>
public sealed record UnwrittenCost(string Provider, decimal WholeCents, decimal RestCents);
