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
                LedgerMetrics.TakenIn("needs_review", Count(_waiting, CodeOf(taken.Usage?.ReviewReason)));
                break;
            case IntakeStatus.Skipped:
                Skipped++;
                LedgerMetrics.TakenIn("skipped", null);
                break;
            default:
                FailedCount++;
                LedgerMetrics.TakenIn("failed", Count(_failing, taken.Problem!.Code));
                if (_failed.Count < FailuresMax)
                    _failed.Add(new IntakeFailure(taken.Item.Index, taken.Problem.Code, taken.Problem.Detail));
                break;
        }
    }

    /// <summary>One line for a request of which something waits or failed.</summary>
    public void Log(ILogger logger)
    {
        if (NeedsReview + FailedCount > 0)
            LogUnbilled(logger, NeedsReview, Text(_waiting), FailedCount, Text(_failing));
    }

    // What follows the colon may name a field or a value.
    private static string CodeOf(string? reviewReason) => reviewReason?.Split(':')[0] ?? "unknown";

    private static string Count(SortedDictionary<string, int> counts, string reason)
    {
        counts[reason] = counts.GetValueOrDefault(reason) + 1;
        return reason;
    }

    private static string Text(SortedDictionary<string, int> counts) =>
        counts.Count == 0 ? "none" : string.Join(", ", counts.Select(count => $"{count.Key} {count.Value}"));

    private static void LogUnbilled(
        ILogger logger, int waiting, string waitingReasons, int failed, string failedReasons) =>
        logger.LogWarning(
            "Of what LiteLLM reported, {Waiting} wait for review ({WaitingReasons}) and {Failed} could not be recorded ({FailedReasons})",
            waiting, waitingReasons, failed, failedReasons);
}
