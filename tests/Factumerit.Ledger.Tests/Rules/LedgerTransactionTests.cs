namespace Factumerit.Ledger.Tests.Rules;

/// <summary>R1 in code: a transaction that does not balance can't be built.</summary>
public sealed class LedgerTransactionTests
{
    [Fact]
    public void A_move_debits_one_account_and_credits_the_other_R1()
    {
        var transaction = LedgerTransaction.Move(
            5, debit: "user:alice", credit: "expense:api", "llm_call", "call-1", "a call");
        transaction.Entries.Select(e => (e.Account, e.DebitCents, e.CreditCents))
            .ShouldBe([("user:alice", 5m, 0m), ("expense:api", 0m, 5m)]);
        (transaction.ReferenceType, transaction.ReferenceId, transaction.Description)
            .ShouldBe(("llm_call", "call-1", "a call"));
    }

    [Fact]
    public void Three_entries_that_balance_are_a_transaction_R1()
    {
        var transaction = new LedgerTransaction("purchase", null, null,
            Entry.Debit("equity:capital", 2759), Entry.Credit("asset:anthropic", 2500),
            Entry.Credit("expense:sales_tax", 259));
        transaction.Entries.Count.ShouldBe(3);
    }

    [Fact]
    public void A_difference_of_the_smallest_unit_is_refused_R1() =>
        Should.Throw<UnbalancedTransactionException>(() => new LedgerTransaction("grant", null, null,
            Entry.Debit("equity:grants", 5), Entry.Credit("user:alice", 5.0000001m))).Message
            .ShouldContain("0.0000001 cents");

    [Fact]
    public void Two_debits_are_refused_R1() =>
        Should.Throw<UnbalancedTransactionException>(() => new LedgerTransaction("grant", null, null,
            Entry.Debit("equity:grants", 5), Entry.Debit("user:alice", 5)));

    [Fact]
    public void A_single_entry_is_refused_R1() =>
        Should.Throw<UnbalancedTransactionException>(() =>
            new LedgerTransaction("grant", null, null, Entry.Debit("equity:grants", 5)));

    [Fact]
    public void A_transaction_without_entries_is_refused_R1() =>
        Should.Throw<UnbalancedTransactionException>(() => new LedgerTransaction("grant", null, null));

    [Fact]
    public void A_move_of_nothing_is_refused_R2() =>
        Should.Throw<ArgumentException>(() => LedgerTransaction.Move(0, "user:alice", "expense:api", "llm_call"));

    [Fact]
    public void Ids_are_version_7() =>
        LedgerTransaction.Move(1, "user:alice", "expense:api", "llm_call").Id.Version.ShouldBe(7);
}
