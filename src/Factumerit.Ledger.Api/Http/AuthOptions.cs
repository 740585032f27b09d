using System.ComponentModel.DataAnnotations;

namespace Factumerit.Ledger.Api.Http;

/// <summary>The configuration section <c>Auth</c>.</summary>
public sealed class AuthOptions
{
    /// <summary>An admin key that works as long as it is configured, to make the first real one with. White space around it is cut off.</summary>
    [MinLength(32, ErrorMessage = "Auth:BootstrapAdminKey must have 32 characters or more.")]
    public string? BootstrapAdminKey { get; set => field = value?.Trim(); }
}
