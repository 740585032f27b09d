using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger;

/// <summary>
/// The part of the ledger that one commit may change: the rows that the writer loaded and locked, or cached budgets
/// that the commit will verify, and the decisions of the commit's commands in order. Works purely in memory: commands
/// read and post here, and the writer saves the result. One instance serves one attempt.
/// </summary>
/// <param name="now">The time of the commit.</param>
/// <param name="commands">The approximate number of commands; sets the initial capacity of the collections.</param>
public sealed class LedgerState(DateTimeOffset now, int commands = 0)
{
    private readonly Dictionary<string, UserAccount> _users = new(commands, StringComparer.Ordinal);
    private readonly HashSet<UserAccount> _changedUsers = new(commands);
    private readonly Dictionary<(string UserId, string RequestId), KeptUsage> _usages = new(commands);
    private readonly Dictionary<(string SourceSystem, string ExternalId), KeptUsage> _aliases = [];
    private readonly Dictionary<Guid, UsageUnderReview> _reviews = [];
    private readonly Dictionary<Guid, UsageUnderReview> _changedUsages = [];
    private readonly Dictionary<(string Operation, string Key), KeptAnswer> _answers = [];
    private readonly Dictionary<string, AccountTotal> _totals = new(StringComparer.Ordinal);
    private readonly Dictionary<string, UnwrittenCost> _unwrittenCosts = new(StringComparer.Ordinal);

    /// <summary>
    /// The time of this commit, never before that of an earlier commit (R13). Every row that the commit writes carries
    /// it.
    /// </summary>
    public DateTimeOffset Now { get; } = now;

    /// <summary>The time of the database's clock when this state was loaded.</summary>
    public DateTimeOffset DatabaseTime { get; init; }

    /// <summary>Users' balances from before the ledger: owed to them, but not in any entry (R3).</summary>
    public decimal OpeningCents { get; init; }

    /// <summary>The actor of the command that decides now.</summary>
    public Actor By { get; set; } = Actor.Service;

    public List<PostedEntry> NewEntries { get; } = new(2 * commands);
    public List<LegacyRow> NewLegacyRows { get; } = new(commands);
    public List<KeptUsage> NewUsages { get; } = new(commands);
    public List<UsageAlias> NewAliases { get; } = [];
    public IReadOnlyCollection<UsageUnderReview> Waiting => _reviews.Values;
    public IReadOnlyCollection<UsageUnderReview> ChangedUsages => _changedUsages.Values;
    public List<ProviderCost> NewProviderCosts { get; } = [];
    public List<UsageWriteDown> NewUsageWriteDowns { get; } = [];
    public List<KeptAnswer> NewAnswers { get; } = [];
    public List<AuditRecord> NewAuditRecords { get; } = [];
    public VirtualKeyChanges VirtualKeys { get; } = new();
    public IReadOnlyCollection<UserAccount> Users => _users.Values;
    public IReadOnlyCollection<UserAccount> ChangedUsers => _changedUsers;
    public Dictionary<string, AccountTotal> TotalChanges { get; } = new(StringComparer.Ordinal);
    public bool HasChanges =>
        _changedUsers.Count > 0 || NewEntries.Count > 0 || NewUsages.Count > 0 || NewAliases.Count > 0
        || _changedUsages.Count > 0 || NewAnswers.Count > 0 || VirtualKeys.Any;

    public void Load(UserAccount user)
    {
        user.BeginCommit();
        _users.Add(user.UserId, user);
    }

    public void Load(KeptUsage usage)
    {
        _usages[(usage.Usage.UserId!, usage.Usage.RequestId)] = usage;
        LoadForReview(usage);
    }

    /// <summary>Loads a usage that is known under this id at another system (R17).</summary>
    public void Load(string sourceSystem, string externalId, KeptUsage usage)
    {
        _aliases.Add((sourceSystem, externalId), usage);
        LoadForReview(usage);
    }

    /// <summary>Loads a usage that a command of this commit reviews.</summary>
    public void Load(UsageUnderReview usage) => _reviews[usage.UsageId] = usage;

    public void Load(KeptAnswer answer) => _answers.Add((answer.Operation, answer.Key), answer);

    /// <summary>Totals are loaded only for commands that read them (<see cref="Command.ReadsTotals"/>).</summary>
    public void Load(AccountTotal total) => _totals.Add(total.Account, total);

    /// <summary>
    /// Usage costs are loaded only for commands that ask for them (<see cref="Command.UsageCostOf"/>). A provider
    /// without usage has none.
    /// </summary>
    public void Load(UnwrittenCost cost) => _unwrittenCosts.Add(cost.Provider, cost);

    public UserAccount? FindUser(string userId) => _users.GetValueOrDefault(userId);

    public KeptUsage? FindUsage(string userId, string requestId) => _usages.GetValueOrDefault((userId, requestId));

    public KeptUsage? FindUsageByAlias(string sourceSystem, string externalId) =>
        _aliases.GetValueOrDefault((sourceSystem, externalId));

    /// <summary>A usage that waited for review, with the changes of this commit.</summary>
    public UsageUnderReview? FindForReview(Guid usageId) => _reviews.GetValueOrDefault(usageId);

    public KeptAnswer? FindAnswer(string operation, string key) => _answers.GetValueOrDefault((operation, key));

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
            NewEntries.Add(new PostedEntry(transaction, entry, By));
            if (ChartOfAccounts.UserOf(entry.Account) is { } userId)
            {
                PostToUser(_users[userId], transaction, entry);
                AddToTotal(AccountTotal.AllUsers, entry);
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
        NewAuditRecords.Add(AuditRecord.Of(By, action, subject, detail));

    /// <summary>Marks the user's row as changed, so the commit writes it.</summary>
    public void Touch(UserAccount user)
    {
        user.UpdatedAt = Now;
        _changedUsers.Add(user);
    }

    public void Keep(KeptUsage usage)
    {
        if (usage.Usage.UserId is not null)
            Load(usage);
        else
            LoadForReview(usage);
        NewUsages.Add(usage);
        AddProviderCost(usage.Usage.Provider, usage.Usage.ProviderCostUsd);
        foreach (var externalId in usage.Origin?.Aliases ?? [])
            AddAlias(usage.Origin!.SourceSystem, externalId, usage);
    }

    /// <summary>
    /// Adds an id under which the usage is known from now on (R17). An id that is already known stays with its usage.
    /// </summary>
    public void AddAlias(string sourceSystem, string externalId, KeptUsage usage)
    {
        if (_aliases.TryAdd((sourceSystem, externalId), usage))
            NewAliases.Add(new UsageAlias(sourceSystem, externalId, usage.Usage.UsageId));
    }

    /// <summary>
    /// Saves a waiting usage that was reviewed, or to which a later report added values. Its cost counts for the
    /// provider once both the cost and the provider are known (R19).
    /// </summary>
    public void Keep(UsageUnderReview changed)
    {
        var waiting = _reviews[changed.UsageId];
        _reviews[changed.UsageId] = _changedUsages[changed.UsageId] = changed;
        if (waiting.Provider is null || waiting.ProviderCostUsd is null)
            AddProviderCost(changed.Provider, changed.ProviderCostUsd);
        // From now on the user has a usage with this request id (R9, R17).
        if (waiting.UserId is null && changed.UserId is not null)
            _usages[(changed.UserId, changed.RequestId)] = KeptUsage.Of(changed);
    }

    /// <summary>
    /// Adds the cost of a usage stored in this commit to its provider's sum. Does nothing if the provider or the cost
    /// is unknown.
    /// </summary>
    public void AddProviderCost(string? provider, decimal? costUsd)
    {
        if (provider is not null && costUsd is { } usd)
            NewProviderCosts.Add(new ProviderCost(provider, usd));
    }

    public void Keep(KeptAnswer answer)
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
            - NewUsageWriteDowns.Where(w => w.Provider == provider).Sum(w => w.AmountCents);
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
            + (_totals.TryGetValue(AccountTotal.AllUsers, out var owed) ? owed.BalanceCents : 0);
        return new Headroom(assetCents, liabilityCents, assetCents - liabilityCents, providers);
    }

    // A waiting usage may be found by request id, alias or usage id in the same commit. All of them share one state.
    private void LoadForReview(KeptUsage usage)
    {
        if (usage.Usage.BillingStatus == Usage.NeedsReview)
            _reviews.TryAdd(usage.Usage.UsageId, usage.ToUnderReview());
    }

    private void PostToUser(UserAccount user, LedgerTransaction transaction, Entry entry)
    {
        user.Post(entry);
        Touch(user);
        NewLegacyRows.Add(new LegacyRow(
            user.UserId, entry.CreditCents - entry.DebitCents, user.BalanceCents,
            transaction.ReferenceType, transaction.Description));
    }

    private void AddToTotal(string account, Entry entry)
    {
        Total(TotalChanges).Add(entry);
        Total(_totals).Add(entry);

        AccountTotal Total(Dictionary<string, AccountTotal> totals) =>
            totals.TryGetValue(account, out var total)
                ? total
                : totals[account] = new AccountTotal { Account = account };
    }
}

/// <summary>An entry with its transaction and the actor whose request posted it.</summary>
public sealed record PostedEntry(LedgerTransaction Transaction, Entry Entry, Actor By);

/// <summary>A row of <c>budget_transactions</c>, the history of the system before the ledger (R14).</summary>
public sealed record LegacyRow(
    string UserId, decimal AmountCents, decimal BalanceAfterCents, string TransactionType, string? Description);

/// <summary>An id under which another system may report a usage (R17).</summary>
public sealed record UsageAlias(string SourceSystem, string ExternalId, Guid UsageId);

/// <summary>
/// The provider cost of a usage stored in this commit. The database computes the exact sum, which may need more digits
/// than a decimal has.
/// </summary>
public sealed record ProviderCost(string Provider, decimal CostUsd);

/// <summary>
/// The cost of a provider's usage that was not written down before this commit, in cents: the part to 7 decimals, and
/// the remainder below.
/// </summary>
public sealed record UnwrittenCost(string Provider, decimal WholeCents, decimal RestCents);

/// <summary>The part of a provider's usage cost that this commit writes down (R19).</summary>
public sealed record UsageWriteDown(string Provider, decimal AmountCents);

/// <summary>The first answer to an operation with an idempotency key, as JSON, kept forever (R9).</summary>
public sealed record KeptAnswer(string Operation, string Key, long RequestHash, string AnswerJson);

/// <summary>Running debits and credits of one system account, or of all users' accounts together.</summary>
public sealed class AccountTotal
{
    /// <summary>The sum over all users' accounts. No user id can be *.</summary>
    public const string AllUsers = "user:*";

    public required string Account { get; init; }
    public decimal DebitsCents { get; set; }
    public decimal CreditsCents { get; set; }
    public long EntryCount { get; set; }
    public decimal BalanceCents => CreditsCents - DebitsCents;

    public void Add(Entry entry)
    {
        DebitsCents += entry.DebitCents;
        CreditsCents += entry.CreditCents;
        EntryCount++;
    }
}
