using System.ComponentModel.DataAnnotations;

namespace Factumerit.Ledger.Writing;

/// <summary>Limits of the writer, from the configuration section <c>Writer</c>.</summary>
public sealed class WriterOptions
{
    /// <summary>The number of commands that may wait; further commands are answered 503.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Writer:QueueLimit must be from {1} to {2}.")]
    public int QueueLimit { get; set; } = 10_000;

    /// <summary>The largest number of commands that share one commit.</summary>
    [Range(1, 10_000, ErrorMessage = "Writer:BatchLimit must be from {1} to {2}.")]
    public int BatchLimit { get; set; } = 1_000;

    /// <summary>The number of attempts at a commit when the database is busy or unreachable.</summary>
    [Range(1, 100, ErrorMessage = "Writer:AttemptsMax must be from {1} to {2}.")]
    public int AttemptsMax { get; set; } = 8;

    /// <summary>
    /// How long a command may wait in the queue, in milliseconds. After that it is answered 503 and not started.
    /// </summary>
    [Range(10, 600_000, ErrorMessage = "Writer:QueueTimeoutMs must be from {1} to {2}.")]
    public int QueueTimeoutMs { get; set; } = 10_000;

    /// <summary>
    /// The number of users whose budgets the writer caches from its last commits, so it need not read them again; 0
    /// reads them for each commit.
    /// </summary>
    [Range(0, 1_000_000, ErrorMessage = "Writer:RememberedUsersMax must be from {1} to {2}.")]
    public int RememberedUsersMax { get; set; } = 20_000;

    /// <summary>
    /// During an overload, no more commands may wait than can be written in this time, in milliseconds; but 500 may
    /// always wait. Further commands are answered 503 at once.
    /// </summary>
    [Range(10, 600_000, ErrorMessage = "Writer:OverloadTimeoutMs must be from {1} to {2}.")]
    public int OverloadTimeoutMs { get; set; } = 50;
}
