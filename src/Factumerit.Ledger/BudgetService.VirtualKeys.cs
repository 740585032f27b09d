using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger;

/// <summary>Users' keys at LiteLLM (R20). What is done there comes before or after these, never within a commit.</summary>
public sealed partial class BudgetService
{
    /// <summary>Records that a key is about to be made.</summary>
    public Task<Outcome<VirtualKey>> RequestVirtualKeyAsync(
        VirtualKeyRequest request, Actor by, CancellationToken cancellationToken) =>
        RunAsync(new RequestVirtualKey(request), by, cancellationToken);

    /// <summary>Records that LiteLLM made it.</summary>
    public Task<Outcome<Activation>> ActivateVirtualKeyAsync(VirtualKey key, string keyHash, string keyName, CancellationToken cancellationToken) =>
        RunAsync(new ActivateVirtualKey(key, keyHash, keyName), Actor.Service, cancellationToken);

    /// <summary>Ends a key that was never made.</summary>
    public Task<Outcome<VirtualKey>> DiscardVirtualKeyAsync(Guid id, string reason, CancellationToken cancellationToken) =>
        RunAsync(new DiscardVirtualKey(id, reason), Actor.Service, cancellationToken);

    /// <summary>Ends a key and queues its deletion at LiteLLM.</summary>
    public Task<Outcome<VirtualKey>> RevokeVirtualKeyAsync(Guid id, Actor by, CancellationToken cancellationToken) =>
        RunAsync(new RevokeVirtualKey(id), by, cancellationToken);

    /// <summary>Takes down what LiteLLM says of a key; null when it doesn't know it.</summary>
    public Task<Outcome<VirtualKey>> NoteVirtualKeyAsync(VirtualKey key, bool? isBlockedThere, CancellationToken cancellationToken) =>
        RunAsync(new NoteVirtualKey(key, isBlockedThere), Actor.Service, cancellationToken);

    /// <summary>Records that an entry of the outbox was delivered to LiteLLM.</summary>
    public Task<Outcome<SettledDelivery>> SettleDeliveryAsync(SettledDelivery delivery, CancellationToken cancellationToken) =>
        RunAsync(new SettleDelivery(delivery), Actor.Service, cancellationToken);
}
