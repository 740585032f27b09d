using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>A virtual key to be made. The alias must be unique at LiteLLM: by it a key is found whose answer was lost.</summary>
public sealed record NewLiteLlmKey
{
    public required string KeyAlias { get; init; }

    /// <summary>Whose calls they are, as LiteLLM's user_id.</summary>
    public string? UserId { get; init; }

    /// <summary>The models that may be called; null for all.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>What LiteLLM lets the key spend, in US dollars; null for no limit.</summary>
    public decimal? MaxBudget { get; init; }

    /// <summary>How long the key is valid, as LiteLLM writes it: 90s, 30m, 30d; null for ever.</summary>
    public string? Duration { get; init; }

    /// <summary>Kept with the key at LiteLLM.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

/// <summary>A virtual key as it was made. The secret is returned this once.</summary>
public sealed record MadeLiteLlmKey(string Secret, string Hash, string KeyName)
{
    /// <summary>Without the secret, so that it gets into no log by mistake.</summary>
    public override string ToString() => $"{nameof(MadeLiteLlmKey)} {{ Hash = {Hash}, KeyName = {KeyName} }}";
}

/// <summary>What LiteLLM knows of a virtual key.</summary>
public sealed record LiteLlmKey
{
    /// <summary>Its hash.</summary>
    public string? Token { get; init; }

    /// <summary>Masked: sk-...last4.</summary>
    public string? KeyName { get; init; }

    public string? KeyAlias { get; init; }
    public string? UserId { get; init; }

    /// <summary>In US dollars, as LiteLLM counts.</summary>
    public decimal? Spend { get; init; }

    /// <summary>In US dollars.</summary>
    public decimal? MaxBudget { get; init; }

    /// <summary>null means no.</summary>
    public bool? Blocked { get; init; }

    public IReadOnlyList<string>? Models { get; init; }
}

internal sealed record KeyRequest(string Key);

internal sealed record DeleteKeysRequest(IReadOnlyList<string>? Keys, IReadOnlyList<string>? KeyAliases);

internal sealed record MadeKeyAnswer(string? Key, string? KeyName, string? Token);

internal sealed record KeyInfoAnswer(string? Key, LiteLlmKey? Info);

/// <summary>LiteLLM's JSON: snake_case, absent in place of null, unknown fields ignored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(NewLiteLlmKey))]
[JsonSerializable(typeof(KeyRequest))]
[JsonSerializable(typeof(DeleteKeysRequest))]
[JsonSerializable(typeof(MadeKeyAnswer))]
[JsonSerializable(typeof(KeyInfoAnswer))]
internal sealed partial class LiteLlmJson : JsonSerializerContext;
