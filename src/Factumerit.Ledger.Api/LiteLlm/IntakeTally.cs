namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>An item that was not taken in.</summary>
/// <param name="Index">Which one it is, counted from 0 over all that was sent, nulls included.</param>
/// <param name="Code">A problem's code, as on the errors page.</param>
/// <param name="Detail">What is wrong with it; quotes nothing of prompts or answers.</param>
public sealed record IntakeFailure(int Index, string Code, string Detail);

/// <summary>Counts what became of items; of those that failed the first are kept.</summary>
public sealed class IntakeTally
{
    public const int FailuresMax = 100;
    private readonly List<IntakeFailure> _failed = [];

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
                break;
            case IntakeStatus.Replayed:
                Replayed++;
                break;
            case IntakeStatus.NeedsReview:
                NeedsReview++;
                break;
            case IntakeStatus.Skipped:
                Skipped++;
                break;
            default:
                FailedCount++;
                if (_failed.Count < FailuresMax)
                    _failed.Add(new IntakeFailure(taken.Item.Index, taken.Problem!.Code, taken.Problem.Detail));
                break;
        }
    }
}
