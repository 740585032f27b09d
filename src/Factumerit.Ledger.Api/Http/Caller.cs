using System.Security.Claims;

namespace Factumerit.Ledger.Api.Http;

/// <summary>Who is calling: the API key's id and name, its role, and the users a bot key is bound to.</summary>
public sealed record Caller(string KeyId, string Name, string Role, string? UserPrefix)
{
    private const string PrefixClaim = "user_prefix";

    /// <summary>Whether this caller may touch that user at all.</summary>
    public bool MayTouch(string? userId) => UserPrefix is null || userId is null || userId.StartsWith(UserPrefix, StringComparison.Ordinal);

    public static Caller Of(HttpContext http) => new(
        http.User.FindFirstValue(ClaimTypes.NameIdentifier)!, http.User.Identity!.Name!, http.User.FindFirstValue(ClaimTypes.Role)!,
        http.User.FindFirstValue(PrefixClaim));

    public ClaimsPrincipal ToPrincipal(string scheme)
    {
        List<Claim> claims = [new(ClaimTypes.NameIdentifier, KeyId), new(ClaimTypes.Name, Name), new(ClaimTypes.Role, Role)];
        if (UserPrefix is not null)
            claims.Add(new(PrefixClaim, UserPrefix));
        return new ClaimsPrincipal(new ClaimsIdentity(claims, scheme));
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
