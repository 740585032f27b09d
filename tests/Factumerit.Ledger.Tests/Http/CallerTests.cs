using Factumerit.Ledger.Api.Http;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>Which users a key with a prefix covers.</summary>
public sealed class CallerTests
{
    [Theory]
    [InlineData("vik", "vik", true)]
    [InlineData("vik", "vik:alice", true)]
    [InlineData("vik", "vik@host", true)]
    [InlineData("vik", "vik.a", true)]
    [InlineData("vik", "vik_a", true)]
    [InlineData("vik", "vik+a", true)]
    [InlineData("vik", "vik=a", true)]
    [InlineData("vik", "vik-a", true)]
    [InlineData("vik", "vikunja:alice", false)]
    [InlineData("vik", "vik2", false)]
    [InlineData("vik", "VIK:alice", false)]
    [InlineData("vik", "vi", false)]
    [InlineData("vik*", "vik", true)]
    [InlineData("vik*", "vikunja:alice", true)]
    [InlineData("vik*", "vi", false)]
    [InlineData("vikunja:", "vikunja:alice", true)]
    [InlineData("vikunja:", "vikunja:", true)]
    [InlineData("vikunja:", "vikunja", false)]
    [InlineData("team-7", "team-7-a", true)]
    [InlineData("team-7", "team-70", false)]
    public void A_prefix_ends_at_a_boundary(string prefix, string userId, bool covers) =>
        new Caller(Actor.Service, "fa_bot_1", Roles.Bot) { UserPrefix = prefix }.MayAccess(userId).ShouldBe(covers);

    [Theory]
    [InlineData("vik",
        "This key is bound to the user vik and users that begin with vik and one of : @ . _ + = -, "
        + "which other is not.")]
    [InlineData("vik*", "This key is bound to users that begin with vik, which other is not.")]
    [InlineData("vikunja:", "This key is bound to users that begin with vikunja:, which other is not.")]
    public void A_refusal_says_what_the_key_is_bound_to(string prefix, string reason) =>
        new Caller(Actor.Service, "fa_bot_1", Roles.Bot) { UserPrefix = prefix }.Explain("other").ShouldBe(reason);
}
