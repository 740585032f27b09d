using Factumerit.Ledger.Commands;
using Npgsql;
using NpgsqlTypes;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// Saves the decisions of a commit about users' virtual keys at LiteLLM, and fills the outbox (R20). The order matters:
/// settled outbox entries are deleted before new ones are added. Entries for users whose credit was used up or came
/// back are added last, when all changes of the keys are saved. Commits that concern no key cost nothing.
/// </summary>
internal static class VirtualKeySaver
{
    // In PostgreSQL, the inner arrays of an array must have equal lengths, so each key's models are passed as a JSON
    // list.
    private const string New = """
        INSERT INTO virtual_keys (created_at, updated_at, id, user_id, label, alias, max_budget_usd, expires_at, status,
                                  created_by, created_by_id, models)
        SELECT $1, $1, k.id, k.user_id, k.label, k.alias, k.max_budget_usd, k.expires_at, k.status,
               k.created_by, k.created_by_id,
               CASE WHEN k.models IS NOT NULL
                    THEN ARRAY (SELECT m FROM jsonb_array_elements_text(k.models) WITH ORDINALITY AS e (m, n)
                                ORDER BY n) END
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            AS k (id, user_id, label, alias, max_budget_usd, expires_at, status, created_by, created_by_id, models)
        """;

    // An entry that no longer exists was settled by another worker, or taken back. If a delivery took more than one
    // attempt, checked_at is cleared and LiteLLM is soon asked about the key: an earlier attempt may have taken effect
    // late. A key that ends here is logged, unless a command of the same commit ends it.
    private static readonly string Settled = $"""
        WITH done AS (
            DELETE FROM litellm_outbox o USING unnest($2, $3, $4) AS s (id, is_known, is_ended) WHERE o.id = s.id
            RETURNING o.virtual_key_id, o.action, o.attempts, s.is_known, s.is_ended),
        logged AS (
            INSERT INTO audit_log (at, actor_id, action, subject, detail)
            SELECT $1, {Actor.Service.Id}, '{AuditActions.VirtualKeyRevoked}', k.id::text,
                   jsonb_build_object('user_id', k.user_id, 'reason', '{NoteVirtualKey.GoneThere}')
            FROM done d JOIN virtual_keys k ON k.id = d.virtual_key_id
            WHERE NOT d.is_known AND NOT d.is_ended AND d.action <> 'delete' AND k.status = 'active')
        UPDATE virtual_keys k SET
            updated_at = $1,
            is_blocked = CASE WHEN d.is_known AND d.action <> 'delete' THEN d.action = 'block' ELSE k.is_blocked END,
            checked_at = CASE WHEN d.attempts > 1 THEN NULL ELSE k.checked_at END,
            status = CASE WHEN d.action = 'delete' OR NOT d.is_known THEN 'revoked' ELSE k.status END,
            revoked_at = CASE WHEN d.action = 'delete' OR NOT d.is_known THEN $1 ELSE k.revoked_at END,
            last_error = CASE WHEN d.action <> 'delete' AND NOT d.is_known THEN '{NoteVirtualKey.GoneThere}'
                              ELSE k.last_error END
        FROM done d WHERE k.id = d.virtual_key_id
        """;

    private const string Changed = """
        UPDATE virtual_keys k SET
            updated_at = $1, key_hash = c.key_hash, key_name = c.key_name, status = c.status,
            revoked_at = c.revoked_at, checked_at = c.checked_at, last_error = c.last_error
        FROM unnest($2, $3, $4, $5, $6, $7, $8)
            AS c (id, key_hash, key_name, status, revoked_at, checked_at, last_error)
        WHERE k.id = c.id
        """;

    private const string TakeBack = "DELETE FROM litellm_outbox WHERE virtual_key_id = ANY ($1)";

    private const string Delete = """
        INSERT INTO litellm_outbox (created_at, next_attempt_at, virtual_key_id, action)
        SELECT $1, $1, id, 'delete' FROM unnest($2) AS k (id)
        """;

    // A key that is still being created has nothing to delete yet. The request that creates it finds it ended.
    private const string EndedUsers = $"""
        WITH ended AS (
            UPDATE virtual_keys k SET status = 'revoking', updated_at = $1
            FROM unnest($2, $3) AS u (user_id, actor_id)
            WHERE k.user_id = u.user_id AND k.status IN ('creating', 'active')
            RETURNING k.id, k.key_hash, k.user_id, u.actor_id),
        logged AS (
            INSERT INTO audit_log (at, actor_id, action, subject, detail)
            SELECT $1, actor_id, '{AuditActions.VirtualKeyRevoked}', id::text,
                   jsonb_build_object('user_id', user_id, 'reason', '{DeleteUser.KeysEnded}')
            FROM ended),
        taken_back AS (DELETE FROM litellm_outbox o USING ended e WHERE o.virtual_key_id = e.id)
        INSERT INTO litellm_outbox (created_at, next_attempt_at, virtual_key_id, action)
        SELECT $1, $1, id, 'delete' FROM ended WHERE key_hash IS NOT NULL
        """;

    private const string Crossed = """
        INSERT INTO litellm_outbox (created_at, next_attempt_at, virtual_key_id, action)
        SELECT $1, $1, k.id, u.action FROM unnest($2, $3) AS u (user_id, action)
        JOIN virtual_keys k ON k.user_id = u.user_id AND k.status = 'active'
        """;

    private const string Aligned = """
        INSERT INTO litellm_outbox (created_at, next_attempt_at, virtual_key_id, action)
        SELECT $1, $1, k.id, a.action FROM unnest($2, $3) AS a (id, action)
        JOIN virtual_keys k ON k.id = a.id AND k.status = 'active'
        WHERE NOT EXISTS (SELECT FROM litellm_outbox o WHERE o.virtual_key_id = k.id)
        """;

    /// <summary>Adds the statements to the batch; returns those that may add entries to the outbox.</summary>
    public static List<NpgsqlBatchCommand> Save(NpgsqlBatch batch, LedgerState state)
    {
        var (keys, now) = (state.VirtualKeys, state.Now.UtcDateTime);
        if (keys.Any)
            SaveKeys(batch, keys, now);
        var outbox = new List<NpgsqlBatchCommand>();
        if (keys.EndedUsers.Count > 0)
            outbox.Add(new StateSaver.Rows<(string UserId, Actor By)>(batch, EndedUsers, keys.EndedUsers)
                .Value(now).Column(u => u.UserId).Column(u => u.By.Id).Command);
        if (keys.ToDelete.Count > 0)
            outbox.Add(new StateSaver.Rows<Guid>(batch, Delete, keys.ToDelete).Value(now).Column(id => id).Command);
        FollowBalances(batch, state, now, outbox);
        return outbox;
    }

    private static void SaveKeys(NpgsqlBatch batch, VirtualKeyChanges keys, DateTime now)
    {
        if (keys.New.Count > 0)
            new StateSaver.Rows<VirtualKey>(batch, New, keys.New)
                .Value(now)
                .Column(k => k.Id)
                .Column(k => k.UserId)
                .Column(k => k.Label)
                .Column(k => k.Alias)
                .Column(k => k.MaxBudgetUsd)
                .Column(k => k.ExpiresAt?.UtcDateTime)
                .Column(k => k.Status)
                .Column(k => k.CreatedBy)
                .Column(k => k.CreatedById)
                .Column(
                    k => k.Models is { } models ? System.Text.Json.JsonSerializer.Serialize(models) : null,
                    NpgsqlDbType.Jsonb);
        if (keys.Settled.Count > 0)
            new StateSaver.Rows<SettledDelivery>(batch, Settled, keys.Settled)
                .Value(now)
                .Column(s => s.OutboxId)
                .Column(s => s.IsKnown)
                .Column(s => keys.Find(s.VirtualKeyId) is { Status: not VirtualKey.Active });
        if (keys.Changed.ToList() is { Count: > 0 } changed)
            new StateSaver.Rows<VirtualKey>(batch, Changed, changed)
                .Value(now)
                .Column(k => k.Id)
                .Column(k => k.KeyHash)
                .Column(k => k.KeyName)
                .Column(k => k.Status)
                .Column(k => k.RevokedAt?.UtcDateTime)
                .Column(k => k.CheckedAt?.UtcDateTime)
                .Column(k => k.LastError);
        if (keys.ToDelete.Concat(keys.Gone).ToList() is { Count: > 0 } ended)
            new StateSaver.Rows<Guid>(batch, TakeBack, ended).Column(id => id);
    }

    // R20: the balances at the end of the commit decide, not those between its commands.
    private static void FollowBalances(
        NpgsqlBatch batch, LedgerState state, DateTime now, List<NpgsqlBatchCommand> outbox)
    {
        List<UserAccount>? crossed = null;
        foreach (var user in state.ChangedUsers)
            if (user.HasCrossedZero && !user.IsDeleted)
                (crossed ??= []).Add(user);
        if (crossed is not null)
            outbox.Add(new StateSaver.Rows<UserAccount>(batch, Crossed, crossed)
                .Value(now).Column(u => u.UserId).Column(ActionFor).Command);

        if (state.VirtualKeys.ToAlign.Count == 0)
            return;
        var aligned = state.VirtualKeys.ToAlign
            .Select(a => (a.Key.Id, a.IsBlockedThere, User: state.FindUser(a.Key.UserId)))
            .Where(a => a.IsBlockedThere == a.User?.BalanceCents > 0)
            .Select(a => (a.Id, Action: ActionFor(a.User!)))
            .ToList();
        if (aligned.Count > 0)
            outbox.Add(new StateSaver.Rows<(Guid Id, string Action)>(batch, Aligned, aligned)
                .Value(now).Column(a => a.Id).Column(a => a.Action).Command);
    }

    private static string ActionFor(UserAccount user) => user.BalanceCents > 0 ? "unblock" : "block";
}
