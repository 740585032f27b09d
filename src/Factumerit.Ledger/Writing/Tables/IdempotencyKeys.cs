using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The idempotency keys of operations with their first answers (<c>idempotency_keys</c>), kept forever (R9).
/// </summary>
internal sealed class IdempotencyKeys : InsertedRows<IdempotencyKeyRow>
{
    private readonly string _query;

    public IdempotencyKeys(IModel model)
        : base(model)
    {
        var (operation, key) = (Rows[nameof(IdempotencyKeyRow.Operation)], Rows[nameof(IdempotencyKeyRow.Key)]);
        _query = $"""
            SELECT {Rows.Columns("k")} FROM unnest($1, $2) AS asked (operation, key)
            JOIN {Rows.Table} k ON k.{operation} = asked.operation AND k.{key} = asked.key
            """;
    }

    protected override List<IdempotencyKeyRow> Added(WorkingSet set) => set.NewAnswers;

    public override IEnumerable<RowQuery> Load(Needs needs) => needs.Answers.Count == 0
        ? []
        : [RowQuery.Of(
            _query, (set, reader) => set.Load(Rows.Read(reader)),
            needs.Answers.Select(a => a.Operation).ToArray(), needs.Answers.Select(a => a.Key).ToArray())];

    public override Proof? ProofOf(WorkingSet set) => set.NewAnswers is [var answer, ..]
        ? Proof.ByTime(
            Rows.Table,
            $"{Rows[nameof(IdempotencyKeyRow.Operation)]} = $1 AND {Rows[nameof(IdempotencyKeyRow.Key)]} = $2 "
            + $"AND {Rows[nameof(IdempotencyKeyRow.CreatedAt)]} = $3",
            answer.Operation, answer.Key, set.Now)
        : null;
}
