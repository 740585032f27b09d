using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The history in the format of the system before the ledger (<c>budget_transactions</c>, R14). Each row goes with an
/// entry, which proves the commit.
/// </summary>
internal sealed class BudgetTransactions(IModel model) : InsertedRows<BudgetTransactionRow>(model)
{
    protected override List<BudgetTransactionRow> Added(WorkingSet set) => set.NewBudgetTransactions;
}
