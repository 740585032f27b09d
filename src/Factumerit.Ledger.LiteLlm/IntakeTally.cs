namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Counts the results of items, for the answer and the meter, and keeps the first failures. Items that wait or failed
/// are logged as counts by reason, never with content.
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

    /// <summary>The number of items.</summary>
    public int Count => Accepted + Replayed + NeedsReview + Skipped + FailedCount;

    /// <summary>Whether any call is in the ledger, recorded by this request or an earlier one.</summary>
    public bool HasRecorded => Accepted + Replayed + NeedsReview > 0;

    public void Add(TakenIn taken)
    {
        switch (taken.Status)
        {
            case IntakeStatus.Accepted:
                Accepted++;
                LiteLlmMetrics.TakenIn("accepted", null);
                break;
            case IntakeStatus.Replayed:
                Replayed++;
                LiteLlmMetrics.TakenIn("replayed", null);
                break;
            case IntakeStatus.NeedsReview:
                NeedsReview++;
                LiteLlmMetrics.TakenIn("needs_review", CountOne(_waiting, CodeOf(taken.Usage?.ReviewReason)));
                break;
            case IntakeStatus.Skipped:
                Skipped++;
                LiteLlmMetrics.TakenIn("skipped", null);
                break;
            default:
                AddFailed(taken.Item.Index, taken.Problem!, isKept: _failed.Count < FailuresMax);
                break;
        }
    }

    /// <summary>
    /// Adds the unreadable rest of the body as one more failed item. It is kept even if the list of failures is full.
    /// </summary>
    public void AddUnread(IntakeProblem problem) => AddFailed(Count, problem, isKept: true);

    private void AddFailed(int index, IntakeProblem problem, bool isKept)
    {
        FailedCount++;
        LiteLlmMetrics.TakenIn("failed", CountOne(_failing, problem.Code));
        if (isKept)
            _failed.Add(new IntakeFailure(index, problem.Code, problem.Detail));
    }

    /// <summary>Logs one line if any item waits for review or failed.</summary>
    public void Log(ILogger logger)
    {
        if (NeedsReview + FailedCount > 0)
            LogUnbilled(logger, Text());
    }

    // The text after the colon may name a field or a value.
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

    private static string Text(SortedDictionary<string, int> counts) =>
        string.Join(", ", counts.Select(count => $"{count.Key} {count.Value}"));

    private static void LogUnbilled(ILogger logger, string unbilled) =>
        logger.LogWarning("Calls that LiteLLM reported were not billed: {Unbilled}", unbilled);
}
