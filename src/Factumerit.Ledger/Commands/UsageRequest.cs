namespace Factumerit.Ledger.Commands;

/// <summary>
/// The origin of a usage that another system reports. The call has already been made, so it is recorded whatever the
/// balance and the user (R17).
/// </summary>
/// <param name="SourceSystem">The system's name, such as litellm.</param>
/// <param name="Aliases">The ids under which that system may report the call, one or more; the first is the request
/// id.</param>
/// <param name="DerivedId">An id derived from the content of the report. It names the call when the other ids belong to
/// another call.</param>
public sealed record UsageOrigin(string SourceSystem, IReadOnlyList<string> Aliases, string DerivedId)
{
    /// <summary>The prefix of an id that is derived from a report.</summary>
    public const string DerivedPrefix = "derived-";

    /// <summary>
    /// The system's own id of the call, one of the aliases; null when there is none. Two different call ids are two
    /// calls.
    /// </summary>
    public string? CallId { get; init; }

    /// <summary>The virtual key at the gateway that the call was made with.</summary>
    public Guid? VirtualKeyId { get; init; }

    /// <summary>
    /// Data that helps to identify the payer of a call without a user, as a JSON object for the reviewer.
    /// </summary>
    public string? PayerHint { get; init; }

    /// <summary>
    /// The report reads a call that was made before: its time is not the call's, and it is not a second call.
    /// </summary>
    public bool IsRetrieval { get; init; }

    /// <summary>
    /// The report comes from the system's own books. A different cost there is a discrepancy to show, not another call.
    /// </summary>
    public bool IsRecord { get; init; }

    /// <summary>The start of the call is unknown, so the reported time does not help to identify the call.</summary>
    public bool IsStartUnknown { get; init; }

    /// <summary>
    /// An id derived from a batch's user, model, tokens and cost, because its spend log shares no id with its reading;
    /// null for all other calls.
    /// </summary>
    public string? BatchId { get; init; }

    /// <summary>The tokens could not be read or don't add up, so they do not help to identify the call.</summary>
    public bool AreTokensDoubtful { get; init; }

    /// <summary>Why the call needs review whatever else is known about it; null: the command decides.</summary>
    public string? ReviewReason { get; init; }

    /// <summary>Why the call can't be priced, if it can't; null: the pricer gives the reason.</summary>
    public string? UnpricedReason { get; init; }
}

/// <summary>A call that another system reports, and its origin.</summary>
public sealed record ReportedCall(UsageRequest Request, UsageOrigin Origin);
