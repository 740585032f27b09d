using System.ComponentModel.DataAnnotations;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// The configuration section <c>LiteLlm</c>: the proxy whose virtual keys and calls are kept here. Without an address
/// and a key no proxy is used.
/// </summary>
public sealed class LiteLlmOptions : IValidatableObject
{
    /// <summary>The proxy's address, such as http://litellm:4000; it may have a path.</summary>
    public string? BaseUrl { get; set => field = value?.Trim(); }

    /// <summary>The proxy's master key, or an admin's key there. Surrounding white space is removed.</summary>
    public string? MasterKey { get; set => field = value?.Trim(); }

    /// <summary>
    /// Whether a call may be charged to the user that the caller itself names, if its key belongs to nobody.
    /// </summary>
    public bool TrustEndUser { get; set; }

    /// <summary>The timeout of one request to the proxy, in milliseconds.</summary>
    [Range(100, 600_000, ErrorMessage = "LiteLlm:TimeoutMs must be from {1} to {2}.")]
    public int TimeoutMs { get; set; } = 10_000;

    /// <summary>
    /// How often this process polls the outbox for entries that another process left, in milliseconds. 0: this process
    /// delivers nothing to the proxy.
    /// </summary>
    [Range(0, 600_000, ErrorMessage = "LiteLlm:OutboxPollMs must be from {1} to {2}; 0 is never.")]
    public int OutboxPollMs { get; set; } = 1_000;

    /// <summary>Seconds between rounds that compare the keys here and at the proxy; 0 is never.</summary>
    [Range(0, 86_400, ErrorMessage = "LiteLlm:WatchSeconds must be from {1} to {2}; 0 is never.")]
    public int WatchSeconds { get; set; } = 60;

    /// <summary>Whether a proxy is configured.</summary>
    public bool IsConfigured => !string.IsNullOrWhiteSpace(BaseUrl) && !string.IsNullOrWhiteSpace(MasterKey);

    // Neither value is quoted: a key in the wrong setting would otherwise appear in the log.
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrWhiteSpace(BaseUrl) != string.IsNullOrWhiteSpace(MasterKey))
            yield return new ValidationResult(
                "LiteLlm:BaseUrl and LiteLlm:MasterKey go together: set both, or none.", [nameof(BaseUrl)]);
        if (!string.IsNullOrWhiteSpace(BaseUrl)
            && !(Uri.TryCreate(BaseUrl, UriKind.Absolute, out var url)
                && url is { Scheme: "http" or "https", Query: "", Fragment: "", UserInfo: "" }))
            yield return new ValidationResult(
                "LiteLlm:BaseUrl must be an absolute http or https address, such as http://litellm:4000.",
                [nameof(BaseUrl)]);
        if (!string.IsNullOrWhiteSpace(MasterKey) && MasterKey.AsSpan().ContainsAnyExceptInRange('!', '~'))
            yield return new ValidationResult(
                "LiteLlm:MasterKey must be one word of ASCII characters.", [nameof(MasterKey)]);
    }
}
