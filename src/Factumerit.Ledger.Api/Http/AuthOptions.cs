using System.ComponentModel.DataAnnotations;

namespace Factumerit.Ledger.Api.Http;

/// <summary>The configuration section <c>Auth</c>.</summary>
public sealed class AuthOptions
{
    /// <summary>
    /// An admin key that is valid as long as it is configured. Use it to create the first real key. Surrounding white
    /// space is trimmed.
    /// </summary>
    [MinLength(32, ErrorMessage = "Auth:BootstrapAdminKey must have 32 characters or more.")]
    [VariedSecret(ErrorMessage = "Auth:BootstrapAdminKey is too easy to guess: it needs 8 different characters or "
        + "more, and less than half of it may be a short pattern that repeats, or run along the alphabet, the digits "
        + "or the keyboard. openssl rand -hex 32 makes a good one.")]
    public string? BootstrapAdminKey { get; set => field = value?.Trim(); }
}

/// <summary>
/// Refuses secrets with few distinct characters, and secrets of which half follows from the characters before.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class VariedSecretAttribute : ValidationAttribute
{
    private const int DistinctMin = 8;
    private const int PatternMax = 15;
    private static readonly string[] Runs =
        ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];

    public override bool IsValid(object? value) =>
        value is not string secret || (secret.Distinct().Count() >= DistinctMin
            && !IsMost(secret, i => Runs.Any(run => AreNeighbours(run, secret[i - 1], secret[i])))
            && !Enumerable.Range(1, PatternMax).Any(n => IsMost(secret, i => i >= n && secret[i] == secret[i - n])));

    // Whether at least half of the characters can be predicted from the characters before them.
    private static bool IsMost(string secret, Func<int, bool> isToldAt) =>
        2 * Enumerable.Range(1, Math.Max(0, secret.Length - 1)).Count(isToldAt) >= secret.Length;

    // In either direction.
    private static bool AreNeighbours(string run, char one, char other) =>
        run.Contains($"{one}{other}", StringComparison.OrdinalIgnoreCase)
        || run.Contains($"{other}{one}", StringComparison.OrdinalIgnoreCase);
}
