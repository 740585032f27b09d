using System.Text.Json.Serialization;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// A virtual key to be made. The alias must be unique at LiteLLM: it identifies the key if the answer is lost.
/// </summary>
public sealed record NewLiteLlmKey
{
    public required string KeyAlias { get; init; }

    /// <summary>The user of the key's calls, as LiteLLM's user_id.</summary>
    public string? UserId { get; init; }

    /// <summary>The models that the key may call; null for all.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>The key's spending limit at LiteLLM, in US dollars; null for no limit.</summary>
    public decimal? MaxBudget { get; init; }

    /// <summary>How long the key is valid, in LiteLLM's format: 90s, 30m, 30d; null for no end.</summary>
    public string? Duration { get; init; }

    /// <summary>Stored with the key at LiteLLM.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

/// <summary>A virtual key that was made. The secret is returned only once.</summary>
public sealed record MadeLiteLlmKey(string Secret, string Hash, string KeyName)
{
    /// <summary>Omits the secret, so that it is never logged by mistake.</summary>
    public override string ToString() => $"{nameof(MadeLiteLlmKey)} {{ Hash = {Hash}, KeyName = {KeyName} }}";
}

/// <summary>LiteLLM's data of a virtual key.</summary>
public sealed record LiteLlmKey
{
    /// <summary>The key's hash.</summary>
    public string? Token { get; init; }

    /// <summary>Masked: sk-...last4.</summary>
    public string? KeyName { get; init; }

    public string? KeyAlias { get; init; }
    public string? UserId { get; init; }

    /// <summary>The amount spent in US dollars, as LiteLLM counts it.</summary>
    public decimal? Spend { get; init; }

    /// <summary>In US dollars.</summary>
    public decimal? MaxBudget { get; init; }

    /// <summary>Null means not blocked.</summary>
    public bool? Blocked { get; init; }

    public IReadOnlyList<string>? Models { get; init; }
}

internal sealed record KeyRequest(string Key);

internal sealed record DeleteKeysRequest(IReadOnlyList<string>? Keys, IReadOnlyList<string>? KeyAliases);

internal sealed record MadeKeyAnswer(string? Key, string? KeyName, string? Token);

internal sealed record KeyInfoAnswer(string? Key, LiteLlmKey? Info);

/// <summary>LiteLLM's JSON: snake_case, null values omitted, unknown fields ignored.</summary>
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
