using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The recorded calls (<c>llm_usage</c>): looked up by user and request id, by an alias (R17) or by id; new ones are
/// inserted, waiting ones get the result of their review or what a later report adds (R15, R16). Only writers change
/// them, and writers take turns, so the rows need no lock.
/// </summary>
internal sealed class Usages : Table
{
    // What only some commits have. An absent column costs nothing, and each combination is a statement to prepare, so
    // there are three: calls with an amount, calls with prices, and everything.
    private static readonly string[] NotReported =
    [
        nameof(UsageRow.ReviewedBy), nameof(UsageRow.ReviewedById), nameof(UsageRow.ReviewedAt),
        nameof(UsageRow.ReviewNote), nameof(UsageRow.ReviewKey), nameof(UsageRow.ReviewHash),
        nameof(UsageRow.ReviewBalanceCents), nameof(UsageRow.FilledAt),
    ];

    private static readonly string[] OfOthers =
    [
        nameof(UsageRow.SourceSystem), nameof(UsageRow.ExternalId), nameof(UsageRow.VirtualKeyId),
        nameof(UsageRow.ReviewReason), nameof(UsageRow.PayerHint),
        nameof(UsageRow.Description), nameof(UsageRow.ReferenceId), nameof(UsageRow.Metadata),
        nameof(UsageRow.HoldId),
    ];

    private static readonly string[] OfPrices =
    [
        nameof(UsageRow.Provider), nameof(UsageRow.ProviderCostUsd), nameof(UsageRow.MarkupFactor),
        nameof(UsageRow.PriceVersion), nameof(UsageRow.CacheReadTokens), nameof(UsageRow.CacheWriteTokens),
        nameof(UsageRow.ReasoningTokens), nameof(UsageRow.Usage),
    ];

    private readonly RowMap<UsageRow> _rows;
    private readonly string _byRequest;
    private readonly string _byAlias;
    private readonly string _byId;
    private readonly SetStatement<UsageRow> _insertPlain;
    private readonly SetStatement<UsageRow> _insertPriced;
    private readonly SetStatement<UsageRow> _insertWhole;
    private readonly SetStatement<UsageRow> _update;

    public Usages(IModel model)
    {
        _rows = new(model);
        var aliases = new RowMap<UsageAliasRow>(model);
        var (id, userId, requestId) =
            (_rows[nameof(UsageRow.Id)], _rows[nameof(UsageRow.UserId)], _rows[nameof(UsageRow.RequestId)]);
        var (source, external, usageId) = (
            aliases[nameof(UsageAliasRow.SourceSystem)], aliases[nameof(UsageAliasRow.ExternalId)],
            aliases[nameof(UsageAliasRow.UsageId)]);
        // The condition is the expression of the index uq_llm_usage_user_request, so the join uses that index.
        _byRequest = $"""
            SELECT {_rows.Columns("u")} FROM unnest($1, $2) AS asked (user_id, request_id)
            JOIN {_rows.Table} u ON u.{userId} || ' ' || u.{requestId} = asked.user_id || ' ' || asked.request_id
            """;
        _byAlias = $"""
            SELECT {_rows.Columns("u")}, a.{source} AS alias_source, a.{external} AS alias_id
            FROM unnest($1, $2) AS asked (source_system, external_id)
            JOIN {aliases.Table} a ON a.{source} = asked.source_system AND a.{external} = asked.external_id
            JOIN {_rows.Table} u ON u.{id} = a.{usageId}
            """;
        _byId = $"SELECT {_rows.Columns("u")} FROM {_rows.Table} u WHERE u.{id} = ANY ($1)";
        _insertWhole = _rows.Insert(NotReported);
        _insertPriced = _rows.Insert([.. NotReported, .. OfOthers]);
        _insertPlain = _rows.Insert([.. NotReported, .. OfOthers, .. OfPrices]);
        // The values that a review or a later report may add. Commands keep known values (R15).
        _update = _rows.Update([
            nameof(UsageRow.BillingStatus), nameof(UsageRow.UserPriceCents), nameof(UsageRow.UserId),
            nameof(UsageRow.Model), nameof(UsageRow.Provider), nameof(UsageRow.ProviderCostUsd),
            nameof(UsageRow.MarkupFactor), nameof(UsageRow.PriceVersion), nameof(UsageRow.PromptTokens),
            nameof(UsageRow.CompletionTokens), nameof(UsageRow.CacheReadTokens), nameof(UsageRow.CacheWriteTokens),
            nameof(UsageRow.ReasoningTokens), nameof(UsageRow.Usage), nameof(UsageRow.TransactionId),
            nameof(UsageRow.ReviewReason), .. NotReported,
        ]);
    }

    public override IEnumerable<RowQuery> Load(Needs needs)
    {
        if (needs.Usages.Count > 0)
            yield return RowQuery.Of(
                _byRequest, (set, reader) => set.Load(_rows.Read(reader)),
                needs.Usages.Select(u => u.UserId).ToArray(), needs.Usages.Select(u => u.RequestId).ToArray());
        if (needs.Aliases.Count > 0)
            yield return RowQuery.Of(
                _byAlias,
                (set, reader) => set.LoadAlias(
                    reader.GetString(reader.GetOrdinal("alias_source")),
                    reader.GetString(reader.GetOrdinal("alias_id")), _rows.Read(reader)),
                needs.Aliases.Select(a => a.SourceSystem).ToArray(),
                needs.Aliases.Select(a => a.ExternalId).ToArray());
        if (needs.UsageIds.Count > 0)
            yield return RowQuery.Of(
                _byId, (set, reader) => set.LoadById(_rows.Read(reader)), needs.UsageIds.ToArray());
    }

    // A command may bill a waiting usage without naming its user, so that user's budget is loaded. A command that names
    // a user may give a waiting usage without a user to it. That user may already have a usage with the same request id
    // (R9), so that usage is loaded.
    public override void AddNeeds(WorkingSet loaded, Needs first, Needs more)
    {
        foreach (var waiting in loaded.Reviewable)
            if (waiting.UserId is null)
                foreach (var userId in first.Users)
                    more.Usage(userId, waiting.RequestId);
            else if (!first.Users.Contains(waiting.UserId))
                more.User(waiting.UserId);
    }

    public override bool HasChanges(WorkingSet set) => set.NewUsages.Count > 0 || set.ChangedUsages.Count > 0;

    public override void Save(NpgsqlBatch batch, WorkingSet set)
    {
        InsertFor(set.NewUsages).AddTo(batch, set.NewUsages);
        _update.AddTo(batch, set.ChangedUsages);
    }

    public override Proof? ProofOf(WorkingSet set)
    {
        var id = _rows[nameof(UsageRow.Id)];
        if (set.NewUsages is [var added, ..])
            return Proof.Exists(_rows.Table, $"{id} = $1", added.Id);
        return set.ChangedUsages.FirstOrDefault() is { } changed
            ? Proof.ByTime(
                _rows.Table,
                $"{id} = $1 AND $2 IN ({_rows[nameof(UsageRow.ReviewedAt)]}, {_rows[nameof(UsageRow.FilledAt)]})",
                changed.Id, set.Now)
            : null;
    }

    private SetStatement<UsageRow> InsertFor(List<UsageRow> usages)
    {
        var statement = _insertPlain;
        foreach (var usage in usages)
            if (usage.SourceSystem != UsageRow.OwnSystem || usage.ReviewReason is not null
                || usage.Description is not null || usage.ReferenceId is not null || usage.Metadata is not null
                || usage.HoldId is not null)
                return _insertWhole;
            else if (usage.Provider is not null || usage.ProviderCostUsd is not null || usage.MarkupFactor is not null
                || usage.Usage is not null || usage.CacheReadTokens is not null || usage.CacheWriteTokens is not null
                || usage.ReasoningTokens is not null)
                statement = _insertPriced;
        return statement;
    }
}
