using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace Factumerit.Ledger.Api.Http;

/// <summary>The API key of a request, and what it may do.</summary>
/// <param name="Actor">Stands with all that the request writes.</param>
/// <param name="KeyPrefix">The readable beginning that no other key has.</param>
/// <param name="Role">One of <see cref="Roles"/>.</param>
public sealed record Caller(Actor Actor, string KeyPrefix, string Role)
{
    /// <summary>What ends a prefix that covers every id that begins so.</summary>
    public const char AnyEnd = '*';

    private const string BoundaryCharacters = ":@._+=-";
    private static readonly SearchValues<char> Boundaries = SearchValues.Create(BoundaryCharacters);

    public string Name => Actor.Name;

    /// <summary>The users that a bot key is bound to; null: all.</summary>
    public string? UserPrefix { get; init; }

    /// <summary>Whether it may record calls that are paid for already when the balance is used up.</summary>
    public bool MayOverdraw { get; init; }

    /// <summary>Whether it may take in calls that LiteLLM reports, which may take any user below 0.</summary>
    public bool MayIntake { get; init; }

    /// <summary>Whether this caller may touch that user at all.</summary>
    public bool MayTouch(string? userId) => UserPrefix is null || userId is null || Covers(UserPrefix, userId);

    /// <summary>Why this caller may not touch that user.</summary>
    public string Explain(string userId) => $"This key is bound to {Bound}, which {FieldErrors.Shorten(userId)} is not.";

    /// <summary>The users that this key is bound to, in words.</summary>
    public string Bound => UserPrefix is not { Length: > 0 } prefix ? "all users"
        : prefix[^1] == AnyEnd ? $"users that begin with {prefix[..^1]}"
        : Boundaries.Contains(prefix[^1]) ? $"users that begin with {prefix}"
        : $"the user {prefix} and users that begin with {prefix} and one of " +
            string.Join(' ', BoundaryCharacters.ToCharArray());

    /// <summary>The caller of a request that was let in with a key.</summary>
    public static Caller Of(HttpContext http) => http.Features.GetRequiredFeature<Caller>();

    // vik covers vik and vik:alice, but not vikunja:alice; vik* covers all three.
    private static bool Covers(string prefix, string userId)
    {
        if (prefix[^1] == AnyEnd)
            return userId.AsSpan().StartsWith(prefix.AsSpan(0, prefix.Length - 1), StringComparison.Ordinal);
        return userId.StartsWith(prefix, StringComparison.Ordinal)
            && (userId.Length == prefix.Length
                || Boundaries.Contains(prefix[^1]) || Boundaries.Contains(userId[prefix.Length]));
    }
}

/// <summary>What a key may do; bots report usage and read budgets, ops read everything, admins move money.</summary>
public static class Roles
{
    public const string Bot = "bot";
    public const string Ops = "ops";
    public const string Admin = "admin";
    public static readonly string[] All = [Bot, Ops, Admin];
}
