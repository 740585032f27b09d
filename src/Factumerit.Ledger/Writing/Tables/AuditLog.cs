using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The audit log (<c>audit_log</c>). Each row goes with a change of another table, which proves the commit.
/// </summary>
internal sealed class AuditLog(IModel model) : InsertedRows<AuditLogRow>(model)
{
    protected override List<AuditLogRow> Added(WorkingSet set) => set.NewAuditRecords;
}
