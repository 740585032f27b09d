using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace Factumerit.Ledger.Api.Http;

/// <summary>The API key of a request and its permissions.</summary>
/// <param name="Actor">The actor that is stored with everything the request writes.</param>
/// <param name="KeyPrefix">The readable prefix of the key, unique among all keys.</param>
/// <param name="Role">One of <see cref="Roles"/>.</param>
public sealed record Caller(Actor Actor, string KeyPrefix, string Role)
{
    /// <summary>At the end of a user prefix: the prefix then covers every id that begins with it.</summary>
    public const char AnyEnd = '*';

    private const string BoundaryCharacters = ":@._+=-";
    private static readonly SearchValues<char> Boundaries = SearchValues.Create(BoundaryCharacters);

    public string Name => Actor.Name;

    /// <summary>The users that a bot key is bound to; null means all users.</summary>
    public string? UserPrefix { get; init; }

    /// <summary>Whether the key may record calls that are already paid for, even if the balance is used up.</summary>
    public bool MayOverdraw { get; init; }

    /// <summary>
    /// Whether the key may take in the calls that LiteLLM reports, which may take any user's balance below 0.
    /// </summary>
    public bool MayIntake { get; init; }

    /// <summary>Whether the caller may access the user.</summary>
    public bool MayAccess(string? userId) => UserPrefix is null || userId is null || Covers(UserPrefix, userId);

    /// <summary>The reason why the caller may not access the user.</summary>
    public string Explain(string userId) =>
        $"This key is bound to {Bound}, which {FieldErrors.Shorten(userId)} is not.";

    /// <summary>The users that this key is bound to, in words.</summary>
    public string Bound => UserPrefix is not { Length: > 0 } prefix ? "all users"
        : prefix[^1] == AnyEnd ? $"users that begin with {prefix[..^1]}"
        : Boundaries.Contains(prefix[^1]) ? $"users that begin with {prefix}"
        : $"the user {prefix} and users that begin with {prefix} and one of " +
            string.Join(' ', BoundaryCharacters.ToCharArray());

    /// <summary>The caller of an authenticated request.</summary>
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

/// <summary>The roles of keys: bots report usage and read budgets, ops read everything, admins move money.</summary>
public static class Roles
{
    public const string Bot = "bot";
    public const string Ops = "ops";
    public const string Admin = "admin";
    public static readonly string[] All = [Bot, Ops, Admin];
}
