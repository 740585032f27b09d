namespace Factumerit.Ledger.Commands;

/// <summary>
/// Records that a user's key is about to be created at the gateway, under a unique alias. Whatever happens to the
/// request at the gateway, a key that it left there is found by the alias.
/// </summary>
/// <param name="request">The request.</param>
public sealed class RequestVirtualKey(VirtualKeyRequest request) : Command<VirtualKey>
{
    private const int ModelsMax = 100;
    private const int NameLengthMax = 200;

    internal override void Declare(Needs needs) => needs.User(request.UserId);

    public override void Validate(FieldErrors errors)
    {
        errors.CheckUserId("user_id", request.UserId);
        errors.CheckPersonalName("label", request.Label ?? "");
        if (request.Models is { } models && (models.Count is 0 or > ModelsMax || models.Any(IsNoName)))
            errors.Add(
                "models",
                $"must be 1 to {ModelsMax} names of 1 to {NameLengthMax} characters, or left out for all models");
        if (request.MaxBudgetUsd is <= 0 or > Money.CostUsdMax)
            errors.Add("max_budget_usd", $"must be greater than 0 and at most {Money.Format(Money.CostUsdMax)}");
        errors.CheckExpiresAt("expires_at", request.ExpiresAt);
    }

    protected override Outcome<VirtualKey> Decide(WorkingSet state)
    {
        var userId = request.UserId!;
        if (state.FindUser(userId) is not { } user)
            return new Refusal.UserNotFound(userId);
        if (user.IsDeleted)
            return new Refusal.UserDeleted(userId); // R11
        var id = UuidV7.Next(state.Now);
        var key = new VirtualKey
        {
            Id = id,
            Alias = VirtualKey.AliasOf(id),
            UserId = userId,
            Label = request.Label!,
            Models = request.Models?.OfType<string>().ToArray(),
            MaxBudgetUsd = request.MaxBudgetUsd,
            ExpiresAt = request.ExpiresAt?.ToUniversalTime(),
            Status = VirtualKey.Creating,
            CreatedBy = By.Name,
            CreatedById = By.Id,
            CreatedAt = state.Now,
            UpdatedAt = state.Now,
        };
        state.VirtualKeys.Add(key);
        state.Audit(AuditActions.VirtualKeyMade, key.Id.ToString(), new { user_id = userId, label = key.Label });
        return key;
    }

    private static bool IsNoName(string? name) =>
        string.IsNullOrEmpty(name) || name.Length > NameLengthMax || name.Any(char.IsControl);
}
