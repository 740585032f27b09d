namespace Factumerit.Ledger.LiteLlm;

/// <summary>The refusals of operations that need LiteLLM.</summary>
public abstract record LiteLlmRefusal(string Code, string Detail) : Refusal(Code, Detail)
{
    /// <summary>No LiteLLM is configured.</summary>
    public sealed record NotConfigured()
        : LiteLlmRefusal(
            "litellm-not-configured",
            "LiteLLM is not configured: set LiteLlm:BaseUrl and LiteLlm:MasterKey, and restart the service.");

    /// <summary>LiteLLM refused the request or can't be reached.</summary>
    public sealed record Failed(string Reason) : LiteLlmRefusal("litellm-failed", Reason);
}
