namespace Factumerit.Ledger.Commands;

/// <summary>
/// Deletes a user: remaining credit goes to equity:forfeit, and a negative balance is covered from there. The budget
/// stays, closed and with a balance of 0; deleting twice changes nothing (R11). The user's open holds (R24) and virtual
/// keys at the gateway (R20) end in the same commit.
/// </summary>
public sealed class DeleteUser(string userId) : Command<Deletion>
{
    /// <summary>The reason that the audit log gives for the end of the user's virtual keys.</summary>
    public const string KeysEnded = "The user was deleted.";

    internal override void Declare(Needs needs)
    {
        needs.User(userId);
        needs.KeysOf(userId);
    }

    public override void Validate(FieldErrors errors) => errors.CheckUserId("user_id", userId);

    protected override Outcome<Deletion> Decide(WorkingSet state)
    {
        if (state.FindUser(userId) is not { } user)
            return new Refusal.UserNotFound(userId, "Check the id.");
        if (user.IsDeleted)
            return new Deletion(userId, 0, 0, null);

        var balanceCents = user.BalanceCents;
        var account = ChartOfAccounts.User(userId);
        var transaction = balanceCents switch
        {
            > 0 => LedgerTransaction.Move(
                balanceCents, debit: account, credit: ChartOfAccounts.ForfeitEquity,
                "forfeit", description: "User deleted"),
            < 0 => LedgerTransaction.Move(
                -balanceCents, debit: ChartOfAccounts.ForfeitEquity, credit: account,
                "forfeit", description: "User deleted"),
            _ => null,
        };
        if (transaction is not null)
            state.Post(transaction);
        state.Holds.EndAllOf(user);
        user.DeletedAt = state.Now;
        state.Touch(user);
        EndKeys(state);
        state.Audit(AuditActions.UserDeleted, userId, new { transaction_id = transaction?.Id });
        return new Deletion(userId, Math.Max(balanceCents, 0), Math.Max(-balanceCents, 0), transaction?.Id);
    }

    // A key that is still being created has nothing to delete yet. The request that creates it finds it ended.
    private void EndKeys(WorkingSet state)
    {
        foreach (var key in state.VirtualKeys.OpenKeysOf(userId))
        {
            state.VirtualKeys.Change(key with { Status = VirtualKey.Revoking }, state.Now);
            state.VirtualKeys.TakenBack.Add(key.Id);
            if (key.KeyHash is not null)
                state.VirtualKeys.Delete(key.Id);
            state.Audit(
                AuditActions.VirtualKeyRevoked, $"{key.Id}", new { user_id = userId, reason = KeysEnded });
        }
    }
}
