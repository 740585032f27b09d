using System.Globalization;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Makes a user's key at LiteLLM: records the intent, asks LiteLLM once, then records the result. If this breaks off
/// anywhere, <see cref="VirtualKeyWatch"/> finds the leftover by its alias and removes it. The secret is passed on and
/// never stored.
/// </summary>
public sealed class VirtualKeyMaker(BudgetService budgets, LiteLlmClient client, TimeProvider clock)
{
    public async Task<Outcome<MadeVirtualKey>> MakeAsync(
        VirtualKeyRequest request, Actor by, CancellationToken cancellationToken)
    {
        var requested = await budgets.RequestVirtualKeyAsync(request, by, cancellationToken);
        if (requested.Answer is not { } key)
            return requested.Refusal!;
        MadeLiteLlmKey made;
        try
        {
            // Cancelled if the caller disconnects: without an answer the caller gets no key.
            made = await client.MakeKeyAsync(ToLiteLlm(key), cancellationToken);
        }
        catch (LiteLlmException exception) when (exception.MayBeDone)
        {
            return new LiteLlmRefusal.Failed(
                $"{exception.Message} If the key was created, it will be removed. It is safe to request another.");
        }
        catch (LiteLlmException exception)
        {
            await budgets.DiscardVirtualKeyAsync(key.Id, exception.Message, CancellationToken.None);
            return new LiteLlmRefusal.Failed(exception.Message);
        }

        var activated = await budgets.ActivateVirtualKeyAsync(key, made.Hash, made.KeyName, CancellationToken.None);
        return activated.Answer switch
        {
            null => activated.Refusal!,
            { Key.Status: VirtualKey.Active } => new MadeVirtualKey(key.Id, made.Secret),
            { UserIsDeleted: true } => new Refusal.UserDeleted(key.UserId), // R11
            _ => new LiteLlmRefusal.Failed(
                "The key was revoked while it was created, and is removed. It is safe to request another."),
        };
    }

    private NewLiteLlmKey ToLiteLlm(VirtualKey key) => new()
    {
        KeyAlias = key.Alias,
        UserId = key.UserId,
        Models = key.Models,
        MaxBudget = key.MaxBudgetUsd,
        Duration = key.ExpiresAt is { } end ? SecondsUntil(end) : null,
        Metadata = new Dictionary<string, string>
        {
            ["factumerit_user_id"] = key.UserId,
            ["factumerit_virtual_key_id"] = key.Id.ToString(),
            ["factumerit_label"] = key.Label,
        },
    };

    private string SecondsUntil(DateTimeOffset end) =>
        string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, (long)(end - clock.GetUtcNow()).TotalSeconds)}s");
}

/// <summary>A key that was made, with its secret, which is returned only once.</summary>
public sealed record MadeVirtualKey(Guid Id, string Secret)
{
    /// <summary>Omits the secret, so that it is never logged by mistake.</summary>
    public override string ToString() => $"{nameof(MadeVirtualKey)} {{ Id = {Id} }}";
}
