namespace Factumerit.Ledger.Commands;

/// <summary>Groups of fields of a request that matter together.</summary>
internal static class UsageRequestFields
{
    extension(UsageRequest request)
    {
        // These fields are newer than the hash. A request without them keeps the hash that it had before.
        public bool HasNewFields =>
            request.Provider is not null || request.ProviderCostUsd is not null || request.BillingStatus is not null
            || request.HasTokenDetails;

        public bool HasHold => request.HoldId is not null;

        public bool HasNotes =>
            request.Description is not null || request.ReferenceId is not null || request.Metadata is not null;

        public bool HasTokenDetails =>
            request.CacheReadTokens is not null || request.CacheWriteTokens is not null
            || request.ReasoningTokens is not null || request.Usage is not null;
    }
}
