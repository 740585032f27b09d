namespace Factumerit.Ledger.Commands;

/// <summary>What a deletion did with the balance. Amounts are cents.</summary>
/// <param name="UserId">The user whose budget is closed.</param>
/// <param name="ForfeitedCents">Credit that was left, and is reclaimed.</param>
/// <param name="WrittenOffCents">Debt that was left, and is given up.</param>
/// <param name="TransactionId">The transaction that moved it; null when the balance was 0 or the user was deleted before.</param>
public sealed record Deletion(string UserId, decimal ForfeitedCents, decimal WrittenOffCents, Guid? TransactionId);

/// <summary>
/// Deletes a user: what is left goes to equity:forfeit, or comes from there when the balance is negative. The budget stays, at 0 and closed;
/// deleting twice changes nothing (R11). The user's keys at LiteLLM end in the same commit (R20).
/// </summary>
public sealed class DeleteUser(string userId) : Command<Deletion>
{
    /// <summary>Why the user's keys at LiteLLM ended, as the audit log has it.</summary>
    public const string KeysEnded = "The user was deleted.";

    public override string? UserId => userId;

    public override void Validate(FieldErrors errors) => errors.CheckUserId("user_id", userId);

    protected override Outcome<Deletion> Decide(LedgerState state)
    {
        if (state.FindUser(userId) is not { } user)
            return new Refusal.UserNotFound(userId);
        if (user.IsDeleted)
            return new Deletion(userId, 0, 0, null);

        var balanceCents = user.BalanceCents;
        var account = ChartOfAccounts.User(userId);
        var transaction = balanceCents switch
        {
            > 0 => LedgerTransaction.Move(balanceCents, debit: account, credit: ChartOfAccounts.ForfeitEquity, "forfeit", description: "User deleted"),
            < 0 => LedgerTransaction.Move(-balanceCents, debit: ChartOfAccounts.ForfeitEquity, credit: account, "forfeit", description: "User deleted"),
            _ => null,
        };
        if (transaction is not null)
            state.Post(transaction);
        user.DeletedAt = state.Now;
        state.Touch(user);
        state.VirtualKeys.EndedUsers.Add((userId, By));
        state.Audit(AuditActions.UserDeleted, userId, new { transaction_id = transaction?.Id });
        return new Deletion(userId, Math.Max(balanceCents, 0), Math.Max(-balanceCents, 0), transaction?.Id);
    }
}
