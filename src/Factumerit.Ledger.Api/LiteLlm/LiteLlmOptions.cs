using System.ComponentModel.DataAnnotations;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>The configuration section <c>LiteLlm</c>: the proxy whose virtual keys and calls are kept here. Without an address and a key there is none.</summary>
public sealed class LiteLlmOptions : IValidatableObject
{
    /// <summary>Where the proxy is, such as http://litellm:4000; it may have a path.</summary>
    public string? BaseUrl { get; set => field = value?.Trim(); }

    /// <summary>The proxy's master key, or that of an admin there. White space around it is cut off.</summary>
    public string? MasterKey { get; set => field = value?.Trim(); }

    /// <summary>Whether a call may be charged to the user whom the caller itself names, where its key belongs to nobody.</summary>
    public bool TrustEndUser { get; set; }

    /// <summary>How long one request to the proxy may take, in milliseconds.</summary>
    [Range(100, 600_000, ErrorMessage = "LiteLlm:TimeoutMs must be from {1} to {2}.")]
    public int TimeoutMs { get; set; } = 10_000;

    /// <summary>How often this process looks whether the proxy has to be told something that another one left, in milliseconds; 0: it never tells it anything.</summary>
    [Range(0, 600_000, ErrorMessage = "LiteLlm:OutboxPollMs must be from {1} to {2}; 0 is never.")]
    public int OutboxPollMs { get; set; } = 1_000;

    /// <summary>Seconds between rounds in which keys here and at the proxy are held against each other; 0 is never.</summary>
    [Range(0, 86_400, ErrorMessage = "LiteLlm:WatchSeconds must be from {1} to {2}; 0 is never.")]
    public int WatchSeconds { get; set; } = 60;

    /// <summary>Whether there is a proxy to talk to.</summary>
    public bool IsConfigured => !string.IsNullOrWhiteSpace(BaseUrl) && !string.IsNullOrWhiteSpace(MasterKey);

    // Neither value is quoted: a key in the wrong place would be told to everybody who reads the log.
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrWhiteSpace(BaseUrl) != string.IsNullOrWhiteSpace(MasterKey))
            yield return new ValidationResult("LiteLlm:BaseUrl and LiteLlm:MasterKey go together: set both, or none.", [nameof(BaseUrl)]);
        if (!string.IsNullOrWhiteSpace(BaseUrl)
            && !(Uri.TryCreate(BaseUrl, UriKind.Absolute, out var url) && url is { Scheme: "http" or "https", Query: "", Fragment: "", UserInfo: "" }))
            yield return new ValidationResult("LiteLlm:BaseUrl must be an absolute http or https address, such as http://litellm:4000.", [nameof(BaseUrl)]);
        if (!string.IsNullOrWhiteSpace(MasterKey) && MasterKey.AsSpan().ContainsAnyExceptInRange('!', '~'))
            yield return new ValidationResult("LiteLlm:MasterKey must be one word of ASCII characters.", [nameof(MasterKey)]);
    }
}
