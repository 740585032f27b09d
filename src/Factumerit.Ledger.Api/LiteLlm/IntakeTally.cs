using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>An item that was not taken in.</summary>
/// <param name="Index">Which one it is, counted from 0 over all that was sent, nulls included.</param>
/// <param name="Code">A problem's code, as on the errors page.</param>
/// <param name="Detail">What is wrong with it; quotes nothing of prompts or answers.</param>
public sealed record IntakeFailure(int Index, string Code, string Detail);

/// <summary>
/// Counts what became of items, in the answer and in the meter; of those that failed the first are kept. What waits or failed is logged by its reasons
/// alone, never with content.
/// </summary>
public sealed class IntakeTally
{
    public const int FailuresMax = 100;
    private readonly List<IntakeFailure> _failed = [];
    private readonly SortedDictionary<string, int> _waiting = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _failing = new(StringComparer.Ordinal);

    public int Accepted { get; private set; }
    public int Replayed { get; private set; }
    public int NeedsReview { get; private set; }
    public int Skipped { get; private set; }
    public int FailedCount { get; private set; }
    public IReadOnlyList<IntakeFailure> Failed => _failed;

    /// <summary>How many items there were.</summary>
    public int Count => Accepted + Replayed + NeedsReview + Skipped + FailedCount;

    /// <summary>Whether a call is in the ledger, by this request or an earlier one.</summary>
    public bool HasRecorded => Accepted + Replayed + NeedsReview > 0;

    public void Add(TakenIn taken)
    {
        switch (taken.Status)
        {
            case IntakeStatus.Accepted:
                Accepted++;
                LedgerMetrics.TakenIn("accepted", null);
                break;
            case IntakeStatus.Replayed:
                Replayed++;
                LedgerMetrics.TakenIn("replayed", null);
                break;
            case IntakeStatus.NeedsReview:
                NeedsReview++;
                LedgerMetrics.TakenIn("needs_review", CountOne(_waiting, CodeOf(taken.Usage?.ReviewReason)));
                break;
            case IntakeStatus.Skipped:
                Skipped++;
                LedgerMetrics.TakenIn("skipped", null);
                break;
            default:
                AddFailed(taken.Item.Index, taken.Problem!, isKept: _failed.Count < FailuresMax);
                break;
        }
    }

    /// <summary>The rest of the body, which could not be read: one more item that failed, and kept however many did.</summary>
    public void AddUnread(IntakeProblem problem) => AddFailed(Count, problem, isKept: true);

    private void AddFailed(int index, IntakeProblem problem, bool isKept)
    {
        FailedCount++;
        LedgerMetrics.TakenIn("failed", CountOne(_failing, problem.Code));
        if (isKept)
            _failed.Add(new IntakeFailure(index, problem.Code, problem.Detail));
    }

    /// <summary>One line for a request of which something waits or failed.</summary>
    public void Log(ILogger logger)
    {
        if (NeedsReview + FailedCount > 0)
            LogUnbilled(logger, Text());
    }

    // What follows the colon may name a field or a value.
    private static string CodeOf(string? reviewReason) => reviewReason?.Split(':')[0] ?? "unknown";

    private static string CountOne(SortedDictionary<string, int> counts, string reason)
    {
        counts[reason] = counts.GetValueOrDefault(reason) + 1;
        return reason;
    }

    private string Text()
    {
        var waiting = NeedsReview == 0 ? null : $"{NeedsReview} wait for review ({Text(_waiting)})";
        var failing = FailedCount == 0 ? null : $"{FailedCount} could not be recorded ({Text(_failing)})";
        return string.Join(" and ", new[] { waiting, failing }.OfType<string>());
    }

    private static string Text(SortedDictionary<string, int> counts) => string.Join(", ", counts.Select(count => $"{count.Key} {count.Value}"));

    private static void LogUnbilled(ILogger logger, string unbilled) =>
        logger.LogWarning("Of what LiteLLM reported, {Unbilled}", unbilled);
}
