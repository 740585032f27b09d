using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>What commands decide about users' keys at LiteLLM, in memory (R20).</summary>
public sealed class VirtualKeyTests
{
    [Theory]
    [InlineData(100, 99, false)]
    [InlineData(100, 100, true)]
    [InlineData(100, 101, true)]
    public void R20_credit_that_is_used_up_crosses_zero(int creditCents, int usedCents, bool crosses)
    {
        var books = new Books().WithUser("alice", creditCents);

        books.Use("alice", usedCents);

        books.State.FindUser("alice")!.HasCrossedZero.ShouldBe(crosses);
    }

    [Theory]
    [InlineData(-5, 5, false)]
    [InlineData(-5, 6, true)]
    [InlineData(0, 1, true)]
    [InlineData(1, 1, false)]
    public void R20_credit_that_comes_back_crosses_zero(int balanceCents, int grantedCents, bool crosses)
    {
        var books = new Books().WithUser("alice", balanceCents);

        books.Grant("alice", grantedCents);

        books.State.FindUser("alice")!.HasCrossedZero.ShouldBe(crosses);
    }

    [Fact]
    public void R20_there_and_back_in_one_commit_is_no_crossing()
    {
        var books = new Books().WithUser("alice", 5);

        books.Use("alice", 6);
        books.Grant("alice", 6);

        books.State.FindUser("alice")!.HasCrossedZero.ShouldBeFalse();
    }

    [Fact]
    public void R20_a_new_user_has_no_keys_that_could_follow()
    {
        var books = new Books();

        books.Grant("alice", 5);

        books.State.FindUser("alice")!.HasCrossedZero.ShouldBeFalse();
    }

    [Fact]
    public void A_requested_key_is_creating_under_an_alias_of_its_own()
    {
        var books = new Books().WithUser("alice", 5);
        var request = new VirtualKeyRequest
        {
            UserId = "alice",
            Label = "editor",
            Models = ["m"],
            MaxBudgetUsd = 1.5m,
            ExpiresAt = Books.Now.AddDays(1)
        };

        var key = books.Apply(new RequestVirtualKey(request)).Answer.ShouldNotBeNull();
        var other = books.Apply(new RequestVirtualKey(request)).Answer.ShouldNotBeNull();

        (key.Status, key.KeyHash, key.CreatedBy, key.Alias)
            .ShouldBe((VirtualKey.Creating, null, "root", $"factumerit-{key.Id}"));
        other.Alias.ShouldNotBe(key.Alias);
        books.State.VirtualKeys.New.ShouldBe([key, other]);
    }

    [Fact]
    public void A_key_is_activated_once()
    {
        var (books, key) = Loaded(VirtualKey.Creating);

        var first = books.Apply(new ActivateVirtualKey(key, "hash", "sk-...1234")).Answer.ShouldNotBeNull();
        var again = books.Apply(new ActivateVirtualKey(key, "hash", "sk-...1234")).Answer.ShouldNotBeNull();

        (first.Key.Status, first.Key.KeyHash, first.UserIsDeleted).ShouldBe((VirtualKey.Active, "hash", false));
        again.ShouldBe(first);
        books.State.VirtualKeys.ToAlign.ShouldHaveSingleItem().IsBlockedThere.ShouldBeFalse();
    }

    [Theory]
    [InlineData(VirtualKey.Failed)]
    [InlineData(VirtualKey.Revoking)]
    [InlineData(VirtualKey.Revoked)]
    public void A_key_that_was_given_up_before_LiteLLM_answered_is_deleted_there(string status)
    {
        var (books, key) = Loaded(status);

        books.Apply(new ActivateVirtualKey(key, "hash", "sk-...1234")).Answer!.Key.Status.ShouldBe(VirtualKey.Revoking);

        books.State.VirtualKeys.ToDelete.ShouldBe([key.Id]);
        books.State.VirtualKeys.ToAlign.ShouldBeEmpty();
    }

    [Fact]
    public void A_key_that_is_made_while_its_user_is_deleted_ends_and_that_is_logged()
    {
        var (books, key) = Loaded(VirtualKey.Creating);
        books.Delete("alice");

        books.Apply(new ActivateVirtualKey(key, "hash", "sk-...1234")).Answer!.Key.Status.ShouldBe(VirtualKey.Revoking);

        books.State.NewAuditRecords.Select(r => $"{r.ActorId} {r.Action} {r.Subject}")
            .ShouldBe([$"3 virtual_key.revoked {key.Id}", "3 user.deleted alice"]);
    }

    [Fact]
    public void A_key_that_came_about_is_not_discarded()
    {
        var (books, key) = Loaded(VirtualKey.Active, "hash");

        books.Apply(new DiscardVirtualKey(key.Id, "why")).Answer!.Status.ShouldBe(VirtualKey.Active);

        books.State.VirtualKeys.HasKeyChanges.ShouldBeFalse();
    }

    [Theory]
    [InlineData(VirtualKey.Creating, VirtualKey.Revoking, false)]
    [InlineData(VirtualKey.Active, VirtualKey.Revoking, true)]
    [InlineData(VirtualKey.Revoking, VirtualKey.Revoking, false)]
    [InlineData(VirtualKey.Revoked, VirtualKey.Revoked, false)]
    [InlineData(VirtualKey.Failed, VirtualKey.Failed, false)]
    public void Revoking_ends_a_key_once(string before, string after, bool isTold)
    {
        var (books, key) = Loaded(before);

        books.Apply(new RevokeVirtualKey(key.Id)).Answer!.Status.ShouldBe(after);

        books.State.VirtualKeys.ToDelete.Count.ShouldBe(isTold ? 1 : 0);
        books.State.VirtualKeys.HasKeyChanges.ShouldBe(before != after);
    }

    private static (Books Books, VirtualKey Key) Loaded(string status, string? hash = null)
    {
        var books = new Books().WithUser("alice", 5);
        var key = new VirtualKey
        {
            Id = Guid.NewGuid(),
            UserId = "alice",
            Label = "l",
            KeyHash = hash,
            Status = status,
            CreatedBy = "root",
            CreatedAt = Books.Now
        };
        books.State.VirtualKeys.Load(key);
        return (books, key);
    }
}
