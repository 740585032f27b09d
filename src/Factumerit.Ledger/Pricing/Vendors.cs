using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Factumerit.Ledger.Pricing;

/// <summary>
/// Gives each vendor one name, whichever name LiteLLM uses for it. Prices, markups, purchases, write-downs and reports
/// all use this name, so one vendor has one account. Two names mean one vendor only if they lead to the same account at
/// that vendor: azure and azure_ai are two vendors.
/// </summary>
public static class Vendors
{
    private const int NameLengthMax = 40;

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-");

    private static readonly FrozenDictionary<string, string> Aliases = new Dictionary<string, string>
    {
        ["ai21_chat"] = "ai21",
        ["amazon-nova"] = "amazon_nova",
        ["anthropic_text"] = "anthropic",
        ["azure_text"] = "azure",
        ["bedrock_converse"] = "bedrock",
        ["cohere_chat"] = "cohere",
        ["ollama_chat"] = "ollama",
        ["sagemaker_chat"] = "sagemaker",
        ["text-completion-codestral"] = "codestral",
        ["text-completion-inception"] = "inception",
        ["text-completion-openai"] = "openai",
        ["vertex_ai_beta"] = "vertex_ai",
        ["watsonx_text"] = "watsonx",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> AliasesBySpan =
        Aliases.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>
    /// The vendors whose groups of models have names of their own, such as vertex_ai-language-models.
    /// </summary>
    internal static readonly ImmutableArray<string> Families = ["fireworks_ai", "vertex_ai"];

    /// <summary>Each alias of a vendor, with the vendor's own name.</summary>
    internal static IEnumerable<KeyValuePair<string, string>> Names =>
        Aliases.OrderBy(alias => alias.Key, StringComparer.Ordinal);

    /// <summary>
    /// The vendor for any system's name of a provider, in the form of a provider's account; null when the name has no
    /// such form.
    /// </summary>
    public static string? NameOf(string raw)
    {
        var name = raw.Length <= NameLengthMax && !raw.AsSpan().ContainsAnyExcept(NameCharacters)
            ? raw
            : string.Concat(raw.ToLowerInvariant().Select(c => NameCharacters.Contains(c) ? c : '_'));
        return ChartOfAccounts.IsProvider(name) ? Canonical(name) : null;
    }

    /// <summary>The vendor of a name that already has the form of a provider's account.</summary>
    internal static string Canonical(string name) => Find(name) ?? name;

    /// <summary>The same for a name that may be unknown.</summary>
    internal static string? CanonicalOrNull(string? name) => name is null ? null : Canonical(name);

    /// <summary>The same for a part of a text, without copying it.</summary>
    internal static ReadOnlySpan<char> Canonical(ReadOnlySpan<char> name) => Find(name) is { } vendor ? vendor : name;

    /// <summary>
    /// The names under which a price map may list a vendor's models, except those of groups of models.
    /// </summary>
    internal static IEnumerable<string> SpellingsOf(string vendor) =>
        Aliases.Where(alias => alias.Value == vendor).Select(alias => alias.Key).Prepend(vendor);

    private static string? Find(ReadOnlySpan<char> name)
    {
        if (AliasesBySpan.TryGetValue(name, out var vendor))
            return vendor;
        foreach (var family in Families)
            if (name.Length > family.Length && name[family.Length] == '-'
                && name.StartsWith(family, StringComparison.Ordinal))
                return family;
        return null;
    }
}
