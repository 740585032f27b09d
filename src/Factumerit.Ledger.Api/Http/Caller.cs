using System.Security.Claims;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Who is calling: the API key by the readable beginning that no other key has, its name, its role, the users a bot key is bound to, and whether it may
/// record calls that are paid for already when the balance is used up.
/// </summary>
public sealed record Caller(string KeyPrefix, string Name, string Role, string? UserPrefix, bool MayOverdraw)
{
    private const string OverdrawClaim = "may_overdraw";
    private const string PrefixClaim = "user_prefix";
    private ClaimsPrincipal? _principal;

    /// <summary>Whether this caller may touch that user at all.</summary>
    public bool MayTouch(string? userId) => UserPrefix is null || userId is null || userId.StartsWith(UserPrefix, StringComparison.Ordinal);

    /// <summary>Why this caller may not touch that user.</summary>
    public string Explain(string userId) => $"This key is bound to users that begin with {UserPrefix}, which {userId} does not.";

    public static Caller Of(HttpContext http) => new(
        http.User.FindFirstValue(ClaimTypes.NameIdentifier)!, http.User.Identity!.Name!, http.User.FindFirstValue(ClaimTypes.Role)!,
        http.User.FindFirstValue(PrefixClaim), http.User.HasClaim(OverdrawClaim, bool.TrueString));

    /// <summary>The caller as the framework knows it; made once, as a key calls many times.</summary>
    public ClaimsPrincipal ToPrincipal(string scheme) => _principal ??= MakePrincipal(scheme);

    private ClaimsPrincipal MakePrincipal(string scheme)
    {
        List<Claim> claims = [new(ClaimTypes.NameIdentifier, KeyPrefix), new(ClaimTypes.Name, Name), new(ClaimTypes.Role, Role)];
        if (UserPrefix is not null)
            claims.Add(new(PrefixClaim, UserPrefix));
        if (MayOverdraw)
            claims.Add(new(OverdrawClaim, bool.TrueString));
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
