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

    public IEnumerable<(string UserId, decimal BalanceCents)> Balances => _users.Select(u => (u.Key, u.Value.Balance));

    public string Run(Step step) => step switch
    {
        Step.SignupStep s => SignUp(s),
        Step.UsageStep s => Once($"usage {s.UserId} {s.RequestId}", s, () => Use(s)),
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
        if (s.AmountCents > 0 && (user?.Balance ?? 0) <= 0)
            return $"!insufficient-credit {Money.Format(user?.Balance ?? 0)}";
        user ??= Open(s.UserId);
        user.Balance -= s.AmountCents;
        user.Spent += s.AmountCents;
        return $"used {s.UserId} {Money.Format(s.AmountCents)} leaves {Money.Format(user.Balance)} "
            + $"moved {s.AmountCents > 0}";
    }

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
        return $"deleted {Money.Format(Math.Max(balance, 0))} {Money.Format(Math.Max(-balance, 0))}";
    }

    private string SayHeadroom() => Verdict.OfHeadroom(_assets.Values.Sum(), _users.Values.Sum(u => u.Balance));

    private User Open(string userId) => _users[userId] = new User { UserId = userId };

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
