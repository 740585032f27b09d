using System.Text.Json;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// An operation that moves money under its own idempotency key (R9): grants, purchases and write-downs. The first
/// answer is stored with the key in the same commit, and returned to every repetition of the request.
/// </summary>
public abstract class KeyedCommand<T>(string operation, string? idempotencyKey) : Command<T>
    where T : class
{
    public const string KeyField = "Idempotency-Key";

    internal override void Declare(Needs needs) => needs.Answer(operation, idempotencyKey!);

    public override void Validate(FieldErrors errors) =>
        errors.CheckKey(
            KeyField, idempotencyKey, "is required as a header, so that a repeated request moves money only once");

    /// <summary>The hash by which two requests are compared.</summary>
    protected abstract RequestHash Hash { get; }

    protected sealed override Outcome<T>? FirstAnswer(WorkingSet state)
    {
        if (state.FindAnswer(operation, idempotencyKey!) is not { } first)
            return null;
        if (Hash.Value != first.RequestHash)
            return new Refusal.IdempotencyKeyReused(idempotencyKey!);
        return new Outcome<T>(JsonSerializer.Deserialize<T>(first.Answer), null, Replayed: true);
    }

    protected sealed override Outcome<T> Decide(WorkingSet state)
    {
        var outcome = DecideFirst(state);
        if (outcome.Answer is { } answer)
            state.Add(new IdempotencyKeyRow
            {
                Operation = operation,
                Key = idempotencyKey!,
                RequestHash = Hash.Value,
                Answer = JsonSerializer.Serialize(answer),
                CreatedAt = state.Now,
            });
        return outcome;
    }

    /// <summary>Decides a request whose key is new.</summary>
    protected abstract Outcome<T> DecideFirst(WorkingSet state);
}
