using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// An operation that moves money under its own idempotency key (R9): grants, purchases and write-downs. The first
/// answer is stored with the key in the same commit as it is sent: the JSON of the API and its status. Every repetition
/// of the request gets these bytes, whatever later versions of the answer look like.
/// </summary>
public abstract class KeyedCommand<T>(string operation, string? idempotencyKey, JsonTypeInfo<T> json) : Command<T>
    where T : class
{
    public const string KeyField = "Idempotency-Key";

    /// <summary>The Idempotency-Key header; null when it wasn't sent.</summary>
    protected string? IdempotencyKey => idempotencyKey;

    internal override void Declare(Needs needs) => needs.Answer(operation, idempotencyKey!);

    public override void Validate(FieldErrors errors) =>
        errors.CheckKey(
            KeyField, idempotencyKey, "is required as a header, so that a repeated request moves money only once");

    /// <summary>The hash by which two requests are compared.</summary>
    protected abstract RequestHash Hash { get; }

    protected sealed override Outcome<T>? Replay(WorkingSet state)
    {
        if (FindFirst(state) is not { } first)
            return null;
        if (Hash.Value != first.RequestHash)
            return new Refusal.IdempotencyKeyReused(NamedKey);
        return first.Status is { } status
            ? new Outcome<T>(Read(first.Answer), null, Replayed: true)
            {
                Stored = new StoredAnswer(status, first.Answer),
            }
            // Rows from before answers were stored as they were sent.
            : new Outcome<T>(JsonSerializer.Deserialize<T>(first.Answer), null, Replayed: true);
    }

    protected sealed override Outcome<T> Decide(WorkingSet state)
    {
        var outcome = DecideNewRequest(state);
        if (outcome.Answer is { } answer)
            state.Add(new IdempotencyKeyRow
            {
                Operation = operation,
                Key = NewKey,
                RequestHash = Hash.Value,
                Answer = LedgerJson.ToText(answer, json),
                Status = StatusOf(answer),
                CreatedAt = state.Now,
            });
        return outcome;
    }

    /// <summary>The stored first answer to the request; null if it is new.</summary>
    protected virtual IdempotencyKeyRow? FindFirst(WorkingSet state) => state.FindAnswer(operation, idempotencyKey!);

    /// <summary>The key under which the answer to a new request is stored.</summary>
    protected virtual string NewKey => idempotencyKey!;

    /// <summary>The key as a refusal names it.</summary>
    protected virtual string NamedKey => idempotencyKey!;

    /// <summary>The HTTP status with which the answer is sent: 201, unless there was nothing to post.</summary>
    protected virtual short StatusOf(T answer) => 201;

    // An answer of a version that this one can't read is still replayed as it was sent.
    private T? Read(string answer)
    {
        try
        {
            return JsonSerializer.Deserialize(answer, json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Decides a request whose key is new.</summary>
    protected abstract Outcome<T> DecideNewRequest(WorkingSet state);
}
