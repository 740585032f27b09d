namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// One usage of a file: where it stands, and the JSON that is sent for it or what is wrong with it. A row of the file may hold
/// several usages.
/// </summary>
/// <param name="Line">The first line of its row, as an editor counts; in a page of JSON the number of the result.</param>
/// <param name="Json">What is sent.</param>
/// <param name="Fault">Why it can't be sent.</param>
internal sealed record UsageRow(long Line, byte[] Json, string? Fault)
{
    /// <summary>The user and the request id, which together name the call; null where nothing is sent.</summary>
    public (string UserId, string RequestId)? Key { get; init; }

    /// <summary>The code of the fault.</summary>
    public string Code { get; private init; } = "";

    /// <summary>There is nothing to record.</summary>
    public bool IsEmpty => Fault is null && Json.Length == 0;

    public static UsageRow Empty(long line) => new(line, [], null);

    /// <summary>A row that can't be sent, with a code for why, as a refusal of the service has one.</summary>
    public static UsageRow Faulty(long line, string fault, string code = "malformed-row") =>
        new(line, [], $"{code}: {fault}") { Code = code };
}

/// <summary>A file of usages, read as a stream.</summary>
internal abstract class UsageSource : IDisposable
{
    /// <summary>How much has been read, from 0 to 1.</summary>
    public abstract double Progress { get; }

    /// <summary>What <see cref="UsageRow.Line"/> counts where it isn't lines.</summary>
    public virtual string Unit => "";

    /// <summary>What has to be known about the whole file; null where there is nothing.</summary>
    public virtual string? Note => null;

    /// <summary>The usages in order. Where the file stops making sense as a whole, it ends with an exception.</summary>
    public abstract IAsyncEnumerable<UsageRow> RowsAsync(CancellationToken cancellationToken);

    public abstract void Dispose();
}
