namespace Factumerit.Ledger.Writing;

/// <summary>
/// Decides whether a batch may be decided on remembered budgets. After each wrong guess, more batches are decided on
/// loaded rows before the next guess. Guesses are often wrong with two writers for the same users, or with callers that
/// repeat their requests.
/// </summary>
internal sealed class GuessBackoff
{
    private const int PauseMax = 127;

    private int _pause;
    private int _batchesToRead;

    /// <summary>
    /// Whether another writer is active: its changes were found when the last guess was verified.
    /// </summary>
    public bool OthersWrite { get; private set; }

    /// <summary>Whether the next batch may be a guess. Counts the batches that may not.</summary>
    public bool MayGuess()
    {
        if (_batchesToRead == 0)
            return true;
        _batchesToRead--;
        return false;
    }

    /// <summary>Records that saving verified a guess.</summary>
    public void WasRight()
    {
        (_pause, _batchesToRead, OthersWrite) = (_pause / 2, 0, false);
        LedgerMetrics.Guessed(wasRight: true);
    }

    /// <summary>Records that a guess was wrong, and whether another writer's change made it so.</summary>
    public void WasWrong(bool othersWrite)
    {
        _pause = Math.Min((_pause * 2) + 1, PauseMax);
        (_batchesToRead, OthersWrite) = (_pause, othersWrite);
        LedgerMetrics.Guessed(wasRight: false);
    }
}
