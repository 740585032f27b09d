using Microsoft.AspNetCore.Http.Features;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Who is calling: the API key by the readable beginning that no other key has, its name, its role, the users a bot key is bound to, and whether it may
/// record calls that are paid for already when the balance is used up.
/// </summary>
public sealed record Caller(string KeyPrefix, string Name, string Role, string? UserPrefix, bool MayOverdraw)
{
    /// <summary>Whether this caller may touch that user at all.</summary>
    public bool MayTouch(string? userId) => UserPrefix is null || userId is null || userId.StartsWith(UserPrefix, StringComparison.Ordinal);

    /// <summary>Why this caller may not touch that user.</summary>
    public string Explain(string userId) =>
        $"This key is bound to users that begin with {UserPrefix}, which {FieldErrors.Shorten(userId)} does not.";

    /// <summary>The caller of a request that was let in with a key.</summary>
    public static Caller Of(HttpContext http) => http.Features.GetRequiredFeature<Caller>();
}

/// <summary>What a key may do; bots report usage and read budgets, ops read everything, admins move money.</summary>
public static class Roles
{
    public const string Bot = "bot";
    public const string Ops = "ops";
    public const string Admin = "admin";
    public static readonly string[] All = [Bot, Ops, Admin];
}
