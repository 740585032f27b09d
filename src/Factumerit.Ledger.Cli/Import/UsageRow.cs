namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// One usage of a file: its line, and the JSON to send for it or the reason why it can't be sent. A row of the file may
/// hold several usages.
/// </summary>
/// <param name="Line">
/// The first line of its row as an editor counts lines; in a page of JSON, the number of the result.
/// </param>
/// <param name="Json">The JSON to send.</param>
/// <param name="Fault">The reason why the usage can't be sent; null if it can.</param>
internal sealed record UsageRow(long Line, byte[] Json, string? Fault)
{
    /// <summary>The user and the request id, which together identify the call; null if nothing is sent.</summary>
    public (string UserId, string RequestId)? Key { get; init; }

    /// <summary>The code of the fault.</summary>
    public string Code { get; private init; } = "";

    /// <summary>True if there is nothing to record.</summary>
    public bool IsEmpty => Fault is null && Json.Length == 0;

    public static UsageRow Empty(long line) => new(line, [], null);

    /// <summary>A row that can't be sent, with a code for the reason like that of a refusal by the service.</summary>
    public static UsageRow Faulty(long line, string fault, string code = "malformed-row") =>
        new(line, [], $"{code}: {fault}") { Code = code };
}

/// <summary>A file of usages, read as a stream.</summary>
internal abstract class UsageSource : IDisposable
{
    /// <summary>How much has been read, from 0 to 1.</summary>
    public abstract double Progress { get; }

    /// <summary>The unit that <see cref="UsageRow.Line"/> counts if it isn't lines.</summary>
    public virtual string Unit => "";

    /// <summary>A note about the whole file; null if there is none.</summary>
    public virtual string? Note => null;

    /// <summary>The usages in order. Throws at the place where the rest of the file can't be read.</summary>
    public abstract IAsyncEnumerable<UsageRow> RowsAsync(CancellationToken cancellationToken);

    public abstract void Dispose();
}
