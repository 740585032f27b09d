using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Tests.Database;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>For how long a key that is remembered is believed, on a clock that stands until it is set ahead.</summary>
public sealed class ApiKeyCacheTests(TestDatabase database) : IClassFixture<TestDatabase>, IDisposable
{
    private readonly MemoryCache _cache = new(new MemoryCacheOptions());
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private KeyLookups Lookups => field ??= new KeyLookups(database.Ledger, TimeProvider.System);

    private ApiKeyCache Keys =>
        field ??= new ApiKeyCache(database.Ledger, Options.Create(new AuthOptions()), _cache, Lookups, _clock);

    private ApiKeyStore Store => new(database.Ledger, Keys, _clock);

    public void Dispose()
    {
        Lookups.Dispose();
        _cache.Dispose();
    }

    [Fact]
    public async Task A_key_that_another_process_revoked_is_refused_after_the_next_look()
    {
        var (id, secret) = await MakeAsync();
        await FindsAsync(secret, true);
        await Keys.ConfirmAsync(default);
        await FindsAsync(secret, true);

        await RevokeElsewhereAsync(id);
        await FindsAsync(secret, true);
        await Keys.ConfirmAsync(default);

        await FindsAsync(secret, false);
    }

    [Fact]
    public async Task Without_a_look_a_remembered_key_counts_for_a_second()
    {
        var (id, secret) = await MakeAsync();
        await FindsAsync(secret, true);

        await RevokeElsewhereAsync(id);
        _clock.Advance(TimeSpan.FromMilliseconds(999));
        await FindsAsync(secret, true);
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        await FindsAsync(secret, false);
    }

    [Fact]
    public async Task While_nothing_changes_a_remembered_key_needs_no_query()
    {
        var (_, secret) = await MakeAsync();
        await Keys.ConfirmAsync(default);
        await FindsAsync(secret, true);
        // Without counting the change: nobody would do that, so that only a query would show it.
        await database.ExecuteAsync("""
            ALTER TABLE api_keys DISABLE TRIGGER tr_api_keys_count_change;
            UPDATE api_keys SET revoked_at = now();
            ALTER TABLE api_keys ENABLE TRIGGER tr_api_keys_count_change;
            """);
        for (var second = 0; second < 5; second++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(900));
            await Keys.ConfirmAsync(default);
            await FindsAsync(secret, true);
        }
    }

    [Fact]
    public async Task A_key_is_refused_from_its_expiry_on_although_it_is_remembered()
    {
        var (_, secret) = await MakeAsync(_clock.GetUtcNow().AddMilliseconds(500));
        await FindsAsync(secret, true);
        _clock.Advance(TimeSpan.FromMilliseconds(499));
        await FindsAsync(secret, true);
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        await FindsAsync(secret, false);
    }

    [Fact]
    public async Task After_a_rotation_both_secrets_work_for_the_overlap_and_then_the_new_one()
    {
        var (id, old) = await MakeAsync();
        await FindsAsync(old, true);
        var rotated = (await Store.RotateAsync(
            id, new RotationRequest { OverlapSeconds = 60 }, Actor.Bootstrap, default)).Answer!;

        await FindsAsync(old, true);
        await FindsAsync(rotated.Secret!, true);
        (await Keys.FindCallerAsync(old, default)).ShouldBe(await Keys.FindCallerAsync(rotated.Secret!, default));
        _clock.Advance(TimeSpan.FromSeconds(60));

        await FindsAsync(old, false);
        await FindsAsync(rotated.Secret!, true);
    }

    [Fact]
    public async Task When_keys_were_last_used_is_written_once_for_many_uses()
    {
        var (id, secret) = await MakeAsync();
        for (var use = 0; use < 10; use++)
            await FindsAsync(secret, true);
        (await LastUseAsync(id)).ShouldBeNull();

        await Keys.SaveLastUsesAsync(default);
        var first = await LastUseAsync(id);
        first.ShouldBe(_clock.GetUtcNow());
        await database.ExecuteAsync("UPDATE api_keys SET last_used_at = '2000-01-01'");
        await Keys.SaveLastUsesAsync(default);
        (await LastUseAsync(id)).ShouldNotBe(first);

        _clock.Advance(TimeSpan.FromMinutes(1));
        await FindsAsync(secret, true);
        await Keys.SaveLastUsesAsync(default);
        (await LastUseAsync(id)).ShouldBe(first!.Value.AddMinutes(1));
    }

    private async Task FindsAsync(string secret, bool isKnown) =>
        (await Keys.FindCallerAsync(secret, default) is not null).ShouldBe(isKnown);

    private async Task<DateTimeOffset?> LastUseAsync(Guid id) =>
        (await Store.ListAsync(default)).Single(k => k.Key.Id == id).Key.LastUsedAt;

    private async Task<(Guid Id, string Secret)> MakeAsync(DateTimeOffset? expiresAt = null)
    {
        var request = new ApiKeyRequest { Name = $"key {Guid.NewGuid():N}", Role = "bot", ExpiresAt = expiresAt };
        var made = (await Store.CreateAsync(request, Actor.Bootstrap, default)).Answer!;
        return (made.Key.Id, made.Secret!);
    }

    private Task RevokeElsewhereAsync(Guid id) =>
        database.ExecuteAsync($"UPDATE api_keys SET revoked_at = now() WHERE id = '{id}'");
}
