using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// What the usage of each provider cost, and how much of it is written down (<c>provider_usage_costs</c>, R19). A cost
/// goes with a usage and a write-down with entries, which prove the commit.
/// </summary>
internal sealed class ProviderUsageCosts : Table
{
    private readonly string _query;
    private readonly SetStatement<ProviderUsageCostRow> _add;

    public ProviderUsageCosts(IModel model)
    {
        var rows = new RowMap<ProviderUsageCostRow>(model);
        _add = rows.InsertOrAdd(nameof(ProviderUsageCostRow.CostUsd), nameof(ProviderUsageCostRow.WrittenDownCents));
        var (provider, cost, written) = (
            rows[nameof(ProviderUsageCostRow.Provider)], rows[nameof(ProviderUsageCostRow.CostUsd)],
            rows[nameof(ProviderUsageCostRow.WrittenDownCents)]);
        // Truncated in the database, because a sum of costs may need more digits than a decimal has. The bound fits in
        // a decimal, and no operation takes more than the bound.
        _query = $"""
            SELECT provider, least(trunc(due, 7), 1e15), trim_scale(due - trunc(due, 7))
            FROM (SELECT {provider} AS provider, {cost} * 100 - {written} AS due FROM {rows.Table}
                  WHERE {VendorSql.Of(provider)} = ANY ($1) ORDER BY {provider} FOR NO KEY UPDATE) c
            """;
    }

    public override IEnumerable<RowQuery> Load(Needs needs) => needs.UnwrittenCosts.Count == 0
        ? []
        : [RowQuery.Of(
            _query,
            (set, reader) =>
                set.Load(new UnwrittenCost(reader.GetString(0), reader.GetDecimal(1), reader.GetDecimal(2))),
            needs.UnwrittenCosts.ToArray())];

    public override bool HasChanges(WorkingSet set) => set.NewProviderCosts.Count > 0;

    public override void Save(NpgsqlBatch batch, WorkingSet set) => _add.AddTo(batch, set.NewProviderCosts);
}
