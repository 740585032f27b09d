using System.ComponentModel.DataAnnotations;

namespace Factumerit.Ledger.Writing;

/// <summary>Limits of the writer, from the configuration section <c>Writer</c>.</summary>
public sealed class WriterOptions
{
    /// <summary>Commands that may wait; one more is answered 503.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Writer:QueueLimit must be from {1} to {2}.")]
    public int QueueLimit { get; set; } = 10_000;

    /// <summary>Commands that share one commit, at the most.</summary>
    [Range(1, 10_000, ErrorMessage = "Writer:BatchLimit must be from {1} to {2}.")]
    public int BatchLimit { get; set; } = 1_000;

    /// <summary>How often a commit is tried when the database is busy or away.</summary>
    [Range(1, 100, ErrorMessage = "Writer:AttemptsMax must be from {1} to {2}.")]
    public int AttemptsMax { get; set; } = 8;

    /// <summary>How long a command may wait in the queue, in milliseconds, before it is answered 503 instead of being started.</summary>
    [Range(10, 600_000, ErrorMessage = "Writer:QueueTimeoutMs must be from {1} to {2}.")]
    public int QueueTimeoutMs { get; set; } = 10_000;

    /// <summary>Users whose budgets the writer remembers from its last commits, so that it need not read them again; 0 reads them each time.</summary>
    [Range(0, 1_000_000, ErrorMessage = "Writer:RememberedUsersMax must be from {1} to {2}.")]
    public int RememberedUsersMax { get; set; } = 20_000;

    /// <summary>While more comes in than can be written, no more may wait than can be written in so many milliseconds; the rest is answered 503 at once.</summary>
    [Range(10, 600_000, ErrorMessage = "Writer:OverloadTimeoutMs must be from {1} to {2}.")]
    public int OverloadTimeoutMs { get; set; } = 50;
}
