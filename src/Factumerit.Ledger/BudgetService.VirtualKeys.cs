using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger;

/// <summary>
/// Commands for users' virtual keys at the gateway (R20). Calls to the gateway happen before or after these commands,
/// never within a commit.
/// </summary>
public sealed partial class BudgetService
{
    /// <summary>Records that a key is about to be created at the gateway.</summary>
    public Task<Outcome<VirtualKey>> RequestVirtualKeyAsync(
        VirtualKeyRequest request, Actor by, CancellationToken cancellationToken) =>
        RunAsync(new RequestVirtualKey(request), by, cancellationToken);

    /// <summary>Records that the gateway created the key.</summary>
    public Task<Outcome<Activation>> ActivateVirtualKeyAsync(
        VirtualKey key, string keyHash, string keyName, CancellationToken cancellationToken) =>
        RunAsync(new ActivateVirtualKey(key, keyHash, keyName), Actor.Service, cancellationToken);

    /// <summary>Ends a key that the gateway never created.</summary>
    public Task<Outcome<VirtualKey>> DiscardVirtualKeyAsync(
        Guid id, string reason, CancellationToken cancellationToken) =>
        RunAsync(new DiscardVirtualKey(id, reason), Actor.Service, cancellationToken);

    /// <summary>Ends a key and queues its deletion at the gateway.</summary>
    public Task<Outcome<VirtualKey>> RevokeVirtualKeyAsync(Guid id, Actor by, CancellationToken cancellationToken) =>
        RunAsync(new RevokeVirtualKey(id), by, cancellationToken);

    /// <summary>
    /// Records whether the gateway has the key blocked; null means that the gateway does not know the key.
    /// </summary>
    public Task<Outcome<VirtualKey>> NoteVirtualKeyAsync(
        VirtualKey key, bool? isBlockedThere, CancellationToken cancellationToken) =>
        RunAsync(new NoteVirtualKey(key, isBlockedThere), Actor.Service, cancellationToken);

    /// <summary>Records that an outbox entry was delivered to the gateway.</summary>
    public Task<Outcome<SettledDelivery>> SettleDeliveryAsync(
        SettledDelivery delivery, CancellationToken cancellationToken) =>
        RunAsync(new SettleDelivery(delivery), Actor.Service, cancellationToken);
}
