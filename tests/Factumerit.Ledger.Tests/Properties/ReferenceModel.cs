namespace Factumerit.Ledger.Tests.Properties;

/// <summary>
/// A second ledger, as simple as the rules: a few dictionaries and no entries. It shares nothing with the code under
/// test but the wording of <see cref="Verdict"/>.
/// </summary>
internal sealed class ReferenceModel
{
    private readonly Dictionary<string, User> _users = [];
    private readonly SortedDictionary<string, decimal> _assets = [];
    private readonly Dictionary<string, (Step Step, string Verdict)> _keys = [];
    private readonly List<Hold> _holds = [];
    private int _holdsKnown;

    /// <summary>The budgets with what is held of them.</summary>
    public IEnumerable<(string UserId, decimal HeldCents)> Held => _users.Select(u => (u.Key, HeldOf(u.Value)));

    /// <summary>Steps name the holds that were placed before this call.</summary>
    public void KnowHolds() => _holdsKnown = _holds.Count;

    public IEnumerable<(string UserId, decimal BalanceCents)> Balances => _users.Select(u => (u.Key, u.Value.Balance));

    public string Run(Step step) => step switch
    {
        Step.SignupStep s => SignUp(s),
        Step.UsageStep s => Once(
            $"usage {s.UserId} {s.RequestId}", s with { Hold = OrdinalOf(s.Hold) }, () => Use(s)),
        Step.HoldStep s => Place(s),
        Step.IncreaseStep s => OrdinalOf(s.Hold) is var ordinal && ordinal < 0
            ? "not-found"
            : Once($"increase {s.Key}", s with { Hold = ordinal }, () => Increase(s)),
        Step.ReleaseStep s => Release(s),
        Step.GrantStep s => Once($"grant {s.Key}", s, () => Grant(s)),
        Step.PurchaseStep s => Once($"purchase {s.Key}", s, () => Purchase(s)),
        Step.WriteDownStep s => Once($"write-down {s.Key}", s, () => WriteDown(s)),
        Step.DeleteStep s => Delete(s),
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "must be resolved first"),
    };

    // R9, R10: only an answer uses up a key. A refusal starts with "!". Steps are records: equal if all fields are
    // equal.
    private string Once(string key, Step step, Func<string> run)
    {
        if (_keys.TryGetValue(key, out var first))
            return first.Step == step ? "again: " + first.Verdict : "idempotency-key-reused";
        var verdict = run();
        if (verdict.StartsWith('!'))
            return verdict[1..];
        _keys[key] = (step, verdict);
        return verdict;
    }

    private string SignUp(Step.SignupStep s)
    {
        var user = _users.GetValueOrDefault(s.UserId);
        if (user is { IsDeleted: true })
            return "user-deleted";
        if (user is { IsSignedUp: true })
            return "existed " + user;
        var available = _assets.Values.Sum() - _users.Values.Sum(u => u.Balance);
        if (s.CreditCents > 0 && !s.IsOverridden && available < s.CreditCents)
            return $"insufficient-anthropic-credits {Money.Format(available)} {Money.Format(s.CreditCents)}";
        user ??= Open(s.UserId);
        user.Balance += s.CreditCents;
        user.Added += s.CreditCents;
        user.IsSignedUp = true;
        return "created " + user;
    }

    private string Use(Step.UsageStep s)
    {
        var user = _users.GetValueOrDefault(s.UserId);
        if (user is { IsDeleted: true })
            return "!user-deleted";
        var hold = Find(s.Hold);
        if (s.Hold != 0 && (hold is null || hold.User != user))
            return "!not-found";
        if (s.AmountCents > 0 && hold is not { State: "open" } && (user is null || AvailableOf(user) <= 0))
            return "!" + Verdict.OfRefusal(user?.Balance, user is null ? 0 : AvailableOf(user), null);
        user ??= Open(s.UserId);
        if (hold is { State: "open" })
        {
            hold.Settled += s.AmountCents;
            hold.Held = s.ClosesHold ? 0 : Math.Max(0, hold.Held - s.AmountCents);
            hold.State = s.ClosesHold ? "settled" : "open";
        }
        user.Balance -= s.AmountCents;
        user.Spent += s.AmountCents;
        return $"used {s.UserId} {Money.Format(s.AmountCents)} leaves {Money.Format(user.Balance)} "
            + $"moved {s.AmountCents > 0}";
    }

    private string Place(Step.HoldStep s)
    {
        var user = _users.GetValueOrDefault(s.UserId);
        var open = _holds.Find(h => h.State == "open" && h.User == user && h.ExternalId is not null
            && h.ExternalId == s.ExternalId);
        if (open is not null)
            return open.Step == s ? "again: " + open.Verdict : "idempotency-key-reused";
        return s.Key is null ? Judge().TrimStart('!') : Once($"hold {s.Key}", s, Judge);

        string Judge()
        {
            if (user is { IsDeleted: true })
                return "!user-deleted";
            var available = user is null ? 0 : AvailableOf(user);
            if (user is null || available <= 0 || (available < s.AmountCents && !s.IsPartial))
                return "!" + Verdict.OfRefusal(user?.Balance, available, s.AmountCents);
            var hold = new Hold
            {
                User = user,
                Step = s,
                ExternalId = s.ExternalId,
                Requested = s.AmountCents,
                Held = Math.Min(available, s.AmountCents),
            };
            _holds.Add(hold);
            return hold.Verdict = Say(hold);
        }
    }

    private string Increase(Step.IncreaseStep s)
    {
        var hold = Find(s.Hold)!;
        if (hold.User.IsDeleted)
            return "!user-deleted";
        if (hold.State != "open")
            return "!hold-closed " + hold.State;
        if (AvailableOf(hold.User) < s.AmountCents)
            return "!" + Verdict.OfRefusal(hold.User.Balance, AvailableOf(hold.User), s.AmountCents);
        hold.Held += s.AmountCents;
        hold.Requested += s.AmountCents;
        return Say(hold);
    }

    private string Release(Step.ReleaseStep s)
    {
        if (Find(s.Hold) is not { } hold)
            return "not-found";
        if (hold.State == "settled")
            return "hold-closed settled";
        (hold.State, hold.Held) = ("released", 0);
        return Say(hold);
    }

    private string Say(Hold hold) => Verdict.OfHold(
        hold.User.UserId, hold.State, hold.Requested, hold.Held, hold.Settled, hold.User.Balance,
        AvailableOf(hold.User));

    private Hold? Find(int back) => OrdinalOf(back) is var ordinal && ordinal < 0 ? null : _holds[ordinal];

    // -1: none is named; -2: there is no such hold.
    private int OrdinalOf(int back) => back == 0 ? -1 : back > _holdsKnown ? -2 : _holdsKnown - back;

    private decimal HeldOf(User user) => _holds.Where(h => h.User == user).Sum(h => h.Held);

    private decimal AvailableOf(User user) => user.Balance - HeldOf(user);

    private string Grant(Step.GrantStep s)
    {
        var isKnown = _users.TryGetValue(s.UserId, out var user);
        if (!isKnown && !s.CreatesUser)
            return "!user-not-found";
        user ??= Open(s.UserId);
        if (user.IsDeleted)
            return "!user-deleted";
        user.Balance += s.AmountCents;
        user.Added += s.AmountCents;
        return $"granted {user} created {!isKnown}";
    }

    private string Purchase(Step.PurchaseStep s)
    {
        _assets[s.Provider] = _assets.GetValueOrDefault(s.Provider) + s.CreditsCents;
        return $"bought {Money.Format(s.CreditsCents + s.TaxCents)} {SayHeadroom()}";
    }

    private string WriteDown(Step.WriteDownStep s)
    {
        var isKnown = _assets.TryGetValue(s.Provider, out var held);
        var left = s.ActualCents ?? (held - s.AmountCents!.Value);
        if (!s.IsForced && left != held && (!isKnown || (left < held && left < 0)))
            return $"!insufficient-provider-credit {(isKnown ? Money.Format(held) : "unknown")} "
                + $"{Money.Format(Math.Abs(held - left))}";
        if (left != held)
            _assets[s.Provider] = left;
        return $"wrote down {Money.Format(held - left)} {SayHeadroom()} moved {left != held}";
    }

    private string Delete(Step.DeleteStep s)
    {
        if (!_users.TryGetValue(s.UserId, out var user))
            return "user-not-found";
        var balance = user.Balance;
        (user.Balance, user.IsDeleted) = (0, true);
        foreach (var hold in _holds.Where(h => h.User == user && h.State == "open"))
            (hold.State, hold.Held) = ("released", 0);
        return $"deleted {Money.Format(Math.Max(balance, 0))} {Money.Format(Math.Max(-balance, 0))}";
    }

    private string SayHeadroom() => Verdict.OfHeadroom(_assets.Values.Sum(), _users.Values.Sum(u => u.Balance));

    private User Open(string userId) => _users[userId] = new User { UserId = userId };

    private sealed class Hold
    {
        public required User User { get; init; }
        public required Step Step { get; init; }
        public string? ExternalId { get; init; }
        public decimal Requested { get; set; }
        public decimal Held { get; set; }
        public decimal Settled { get; set; }
        public string State { get; set; } = "open";
        public string Verdict { get; set; } = "";
    }

    private sealed class User
    {
        public required string UserId { get; init; }
        public decimal Balance { get; set; }
        public decimal Spent { get; set; }
        public decimal Added { get; set; }
        public bool IsSignedUp { get; set; }
        public bool IsDeleted { get; set; }

        public override string ToString() => Verdict.OfBudget(UserId, Balance, Spent, Added, IsSignedUp, IsDeleted);
    }
}
