using System.ComponentModel.DataAnnotations;

namespace Factumerit.Ledger.Api.Http;

/// <summary>The configuration section <c>Auth</c>.</summary>
public sealed class AuthOptions
{
    /// <summary>An admin key that works as long as it is configured, to make the first real one with. White space around it is cut off.</summary>
    [MinLength(32, ErrorMessage = "Auth:BootstrapAdminKey must have 32 characters or more.")]
    [VariedSecret(ErrorMessage = "Auth:BootstrapAdminKey is too easy to guess: it needs 8 different characters or "
        + "more, and no short pattern that repeats. openssl rand -hex 32 makes a good one.")]
    public string? BootstrapAdminKey { get; set => field = value?.Trim(); }
}

/// <summary>Refuses secrets of few characters, and those that are a short pattern over and over.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class VariedSecretAttribute : ValidationAttribute
{
    private const int DistinctMin = 8;
    private const int PatternMax = 15;

    public override bool IsValid(object? value) =>
        value is not string secret || (secret.Distinct().Count() >= DistinctMin
            && !Enumerable.Range(1, PatternMax).Any(length => Repeats(secret, length)));

    private static bool Repeats(string secret, int length) =>
        length < secret.Length && secret.AsSpan(length).SequenceEqual(secret.AsSpan(0, secret.Length - length));
}
