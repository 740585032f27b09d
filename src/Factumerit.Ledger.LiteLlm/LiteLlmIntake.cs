using System.Threading.RateLimiting;
using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>The result of an item.</summary>
public enum IntakeStatus
{
    /// <summary>Recorded and billed.</summary>
    Accepted,

    /// <summary>Already recorded, under one of its ids.</summary>
    Replayed,

    /// <summary>Recorded, and waits for review.</summary>
    NeedsReview,

    /// <summary>Nothing to record: a failed call that cost nothing, or a null.</summary>
    Skipped,

    /// <summary>Not recorded; its problem says why.</summary>
    Failed,
}

/// <summary>An item with its result: the usage, if there is one, or the problem.</summary>
public readonly record struct TakenIn(
    IntakeItem Item, IntakeStatus Status, RecordedUsage? Usage = null, IntakeProblem? Problem = null);

/// <summary>The memory that all large bodies share: how the intake waits for its part of it.</summary>
/// <param name="SmallBytesMax">Groups of up to this many bytes don't wait.</param>
/// <param name="TakeTurnAsync">Waits for so many bytes; the lease is disposed of when they are free again.</param>
public sealed record IntakeMemory(
    int SmallBytesMax, Func<long, CancellationToken, ValueTask<RateLimitLease>> TakeTurnAsync);

/// <summary>
/// Records calls that LiteLLM reports, in groups that share a commit. The next group is read while one is written.
/// Recording is idempotent (R17), and a bad item doesn't affect the others. Knows nothing of prompts and answers.
/// </summary>
public sealed class LiteLlmIntake(
    BudgetService budgets, KeyOwners keys, CallMapping mapping, SpendLogMatches matches, IntakeMemory memory)
{
    private const int GroupMax = 500;
    private const int GroupBytesMax = 256 * 1024;
    private static readonly Refusal TooMany = new Refusal.Unavailable("Too many reports from LiteLLM are waiting.");

    /// <summary>
    /// Reads all items and reports the result of each in order. A refusal means that the ledger can't write now and
    /// that all items may be sent again.
    /// </summary>
    /// <param name="items">The items.</param>
    /// <param name="by">The caller.</param>
    /// <param name="askRules">
    /// Called before each group is written, because a body may take long and a key may end meanwhile. Returns a
    /// function that says why the caller may not record calls of a user (null: of nobody). The function returns null if
    /// the caller may.
    /// </param>
    /// <param name="tell">Receives the result of each item.</param>
    public async Task<Refusal?> TakeInAsync(
        IAsyncEnumerable<IntakeItem> items, Actor by, Func<ValueTask<Func<string?, string?>>> askRules,
        Action<TakenIn> tell)
    {
        var (group, bytes, writing) = (new List<IntakeItem>(GroupMax), 0, Task.FromResult<Refusal?>(null));
        try
        {
            await foreach (var item in items)
            {
                group.Add(item);
                bytes += item.Bytes;
                if (group.Count < GroupMax && bytes < GroupBytesMax)
                    continue;
                // Read the next group while one is written, and no further.
                if (await writing is { } refusal)
                    return refusal;
                writing = WriteAsync(group, bytes, by, askRules, tell);
                (group, bytes) = (new List<IntakeItem>(GroupMax), 0);
                // Without a yield, millions of small items would keep a thread busy for seconds.
                await Task.Yield();
            }
        }
        catch
        {
            // LiteLLM doesn't send a call again, so record the items that have arrived even if the rest doesn't come.
            if (await FinishAsync() is { } refusal)
                return refusal;
            throw;
        }
        return await FinishAsync();

        async Task<Refusal?> FinishAsync() => await writing ?? await WriteAsync(group, bytes, by, askRules, tell);
    }

    private async Task<Refusal?> WriteAsync(
        List<IntakeItem> group, int bytes, Actor by, Func<ValueTask<Func<string?, string?>>> askRules,
        Action<TakenIn> tell)
    {
        if (bytes <= memory.SmallBytesMax)
            return await WriteAsync(group, by, askRules, tell);
        using var turn = await memory.TakeTurnAsync(bytes, CancellationToken.None);
        return turn.IsAcquired ? await WriteAsync(group, by, askRules, tell) : TooMany;
    }

    private async Task<Refusal?> WriteAsync(
        List<IntakeItem> group, Actor by, Func<ValueTask<Func<string?, string?>>> askRules, Action<TakenIn> tell)
    {
        // Not cancelled from here on: even if the caller doesn't wait for the answer, the calls were made.
        var forbid = await askRules();
        var owners = await keys.FindAsync(group.Select(i => i.Call?.KeyHash).OfType<string>());
        var results = new TakenIn[group.Count];
        var (calls, places) = (new List<ReportedCall>(group.Count), new List<int>(group.Count));
        for (var place = 0; place < group.Count; place++)
        {
            var item = group[place];
            if (item.Call is not { } call)
                results[place] = item.Problem is { } problem
                    ? new(item, IntakeStatus.Failed, null, problem)
                    : new(item, IntakeStatus.Skipped);
            else if (CallMapping.IsSkipped(call))
                results[place] = new(item, IntakeStatus.Skipped);
            else
            {
                var reported = mapping.Map(call, call.KeyHash is null ? null : owners.GetValueOrDefault(call.KeyHash));
                if (forbid(reported.Request.UserId) is { } forbidden)
                    results[place] = new(item, IntakeStatus.Failed, null, new IntakeProblem("forbidden", forbidden));
                else
                {
                    calls.Add(reported);
                    places.Add(place);
                }
            }
        }
        var matched = await matches.AddToAsync(calls, CancellationToken.None);
        var outcomes = await budgets.TakeInAsync(matched, by, CancellationToken.None);
        for (var i = 0; i < outcomes.Count; i++)
        {
            if (outcomes[i].Refusal is Refusal.Unavailable unavailable)
                return unavailable;
            results[places[i]] = ResultOf(group[places[i]], outcomes[i]);
        }
        foreach (var result in results)
            tell(result);
        return null;
    }

    private static TakenIn ResultOf(IntakeItem item, Outcome<RecordedUsage> outcome) => outcome switch
    {
        { Refusal: { } refusal } =>
            new(item, IntakeStatus.Failed, null, new IntakeProblem(refusal.Code, refusal.Detail)),
        { Replayed: true } => new(item, IntakeStatus.Replayed, outcome.Answer),
        { Answer.BillingStatus: BillingStatuses.NeedsReview } => new(item, IntakeStatus.NeedsReview, outcome.Answer),
        _ => new(item, IntakeStatus.Accepted, outcome.Answer),
    };
}
