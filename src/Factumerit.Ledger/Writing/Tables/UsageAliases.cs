using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The ids under which other systems report usages (<c>usage_aliases</c>, R17). They are looked up together with their
/// usages (<see cref="Usages"/>).
/// </summary>
internal sealed class UsageAliases(IModel model) : InsertedRows<UsageAliasRow>(model)
{
    protected override List<UsageAliasRow> Added(WorkingSet set) => set.NewAliases;

    public override Proof? ProofOf(WorkingSet set) => set.NewAliases is [var alias, ..]
        ? Proof.Exists(
            Rows.Table,
            $"{Rows[nameof(UsageAliasRow.SourceSystem)]} = $1 AND {Rows[nameof(UsageAliasRow.ExternalId)]} = $2",
            alias.SourceSystem, alias.ExternalId)
        : null;
}
