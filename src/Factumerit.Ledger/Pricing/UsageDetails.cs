using System.Collections.Immutable;
using System.Text.Json;

namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The details in a provider's usage object beyond the five counts: audio and image tokens, one-hour cache writes, the
/// service tier, and other units that are charged for. Reads the field names of OpenAI, Anthropic, Google and LiteLLM.
/// Where one field is 0, the others count.
/// </summary>
internal sealed class UsageDetails
{
    /// <summary>A count that is not a whole number from 0 on, or that is given twice with different values.</summary>
    public const long Unreadable = -1;

    private static readonly ImmutableArray<string> InputDetails =
    [
        "prompt_tokens_details", "input_tokens_details", "input_token_details", "promptTokensDetails",
        "input_tokens_by_modality",
    ];

    private static readonly ImmutableArray<string> OutputDetails =
    [
        "completion_tokens_details", "output_tokens_details", "output_token_details", "candidatesTokensDetails",
        "output_tokens_by_modality",
    ];

    private static readonly ImmutableArray<string> OtherPlaces = ["server_tool_use", "usage_info", "billed_units"];

    private static readonly ImmutableArray<string> CacheDetails =
        ["cached_tokens_details", "cacheTokensDetails", "cached_tokens_by_modality"];

    private static readonly ImmutableArray<string> MediumNames = ["audio_tokens", "image_tokens", "video_tokens"];

    private static readonly ImmutableArray<(Units Unit, ImmutableArray<string> Names)> UnitNames =
    [
        (Units.Query,
            ["web_search_requests", "num_search_queries", "num_sources_used", "search_units", "search_context_size"]),
        (Units.Page, ["pages_processed", "pages"]),
        (Units.Second,
            ["seconds", "duration", "audio_seconds", "audio_length_seconds", "video_seconds", "video_length_seconds"]),
        (Units.Character, ["characters", "character_count", "input_characters"]),
        (Units.Image, ["images", "image_count", "num_images", "output_images", "generated_images"]),
        (Units.Session, ["code_interpreter_sessions", "code_execution_requests"]),
        (Units.Credit, ["credits"]),
        (Units.Citation, ["citation_tokens"]),
    ];

    private static readonly ImmutableArray<string> FactorNames = ["speed", "inference_geo"];

    private readonly long[] _input = new long[TokenClasses.Media.Length];
    private readonly long[] _cached = new long[TokenClasses.Media.Length];
    private readonly long[] _output = new long[TokenClasses.Media.Length];
    private long _inputText;
    private long _outputText;
    private long _hourWrites;
    private long _reasoning;

    private UsageDetails()
    {
    }

    /// <summary>For a call whose provider gave no usage object.</summary>
    public static readonly UsageDetails None = new();

    /// <summary>Of the tokens written to the cache: those stored for one hour.</summary>
    public long HourWrites => _hourWrites;

    /// <summary>Of the tokens generated: those of reasoning.</summary>
    public long Reasoning => _reasoning;

    /// <summary>Of the tokens sent: those that are text.</summary>
    public long InputText => _inputText;

    /// <summary>Of the tokens generated: those that are text.</summary>
    public long OutputText => _outputText;

    /// <summary>Whether the usage breaks down the tokens sent.</summary>
    public bool HasInput { get; private set; }

    /// <summary>Whether the usage breaks down the tokens read from the cache.</summary>
    public bool HasCached { get; private set; }

    /// <summary>
    /// The service tier, as price names spell it; empty when none is given, null when it can't be read.
    /// </summary>
    public string? Tier { get; private set; } = "";

    /// <summary>Units used other than tokens, which may be charged for.</summary>
    public Units Units { get; private set; }

    /// <summary>Words that may apply a factor to all prices: the speed, and where the call was computed.</summary>
    public IReadOnlyList<string> FactorWords { get; private set; } = [];

    public long Input(Medium medium) => _input[(int)medium];

    public long Cached(Medium medium) => _cached[(int)medium];

    public long Output(Medium medium) => _output[(int)medium];

    /// <summary>
    /// The details of a usage; null when a name in it is not valid text, because it contains half of an escaped
    /// surrogate pair.
    /// </summary>
    public static UsageDetails? Read(JsonElement? usage)
    {
        try
        {
            return usage is { ValueKind: JsonValueKind.Object } root ? Of(root) : None;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static UsageDetails Of(JsonElement root)
    {
        var details = new UsageDetails();
        details.ReadInput(root);
        details.ReadOutput(root);
        foreach (var writes in Objects(root, "cache_creation"))
            Merge(writes, "ephemeral_1h_input_tokens", ref details._hourWrites);
        details.ReadTier(root);
        details.ReadUnits(root);
        details.FactorWords = [.. FactorNames.Select(name => Text(root, name)).OfType<string>()];
        return details;
    }

    private void ReadInput(JsonElement root)
    {
        foreach (var part in Members(root, InputDetails))
        {
            HasInput = true;
            ReadMedia(part, _input, ref _inputText);
            foreach (var writes in Objects(part, "cache_creation_token_details"))
                Merge(writes, "ephemeral_1h_input_tokens", ref _hourWrites);
            if (part.ValueKind == JsonValueKind.Object)
                ReadCached(part);
        }
        ReadCached(root);
    }

    private void ReadCached(JsonElement parent)
    {
        var text = 0L;
        foreach (var part in Members(parent, CacheDetails))
        {
            HasCached = true;
            ReadMedia(part, _cached, ref text);
        }
    }

    private void ReadOutput(JsonElement root)
    {
        foreach (var part in Members(root, OutputDetails))
        {
            ReadMedia(part, _output, ref _outputText);
            Merge(part, "reasoning_tokens", ref _reasoning);
        }
    }

    // An object of counts by name, or Google's list of counts by modality.
    private static void ReadMedia(JsonElement part, long[] media, ref long text)
    {
        switch (part.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var medium in TokenClasses.Media)
                    Merge(part, MediumNames[(int)medium], ref media[(int)medium]);
                Merge(part, "text_tokens", ref text);
                break;
            case JsonValueKind.Array:
                foreach (var item in part.EnumerateArray())
                    ReadModality(item, media, ref text);
                break;
            default:
                Array.Fill(media, Unreadable);
                text = Unreadable;
                break;
        }
    }

    private static void ReadModality(JsonElement item, long[] media, ref long text)
    {
        if (item.ValueKind != JsonValueKind.Object)
            return;
        var medium = MediumOf(Text(item, "modality"));
        foreach (var name in (ReadOnlySpan<string>)["tokenCount", "token_count", "tokens"])
            if (medium is { } one)
                Merge(item, name, ref media[(int)one]);
            else
                Merge(item, name, ref text);
    }

    private static Medium? MediumOf(string? modality) => modality switch
    {
        "audio" => Medium.Audio,
        "image" => Medium.Image,
        "video" => Medium.Video,
        _ => null,
    };

    private void ReadTier(JsonElement root)
    {
        if (!TryGet(root, "service_tier", out _))
            return;
        Tier = Text(root, "service_tier") is { } tier ? TokenClasses.TierOf(tier) : null;
    }

    private void ReadUnits(JsonElement root)
    {
        ImmutableArray<string> parts = [.. InputDetails, .. OutputDetails, .. OtherPlaces];
        JsonElement[] places = [root, .. Members(root, parts)];
        foreach (var (unit, names) in UnitNames)
            if (places.Any(place => Members(place, names).Any(value => !IsNothing(value))))
                Units |= unit;
        if (Text(root, "type") == "duration")
            Units |= Units.Second;
    }

    private static bool IsNothing(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.TryGetDecimal(out var number) && number == 0,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.False => true,
        _ => false,
    };

    // A 0 is ignored where another field has a count.
    private static void Merge(JsonElement parent, string name, ref long count)
    {
        if (!TryGet(parent, name, out var value))
            return;
        var read = CountOf(value);
        if (read != 0 && read != count)
            count = count == 0 ? read : Unreadable;
    }

    private static long CountOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number)
        && number is >= 0 and <= long.MaxValue && decimal.Truncate(number) == number ? (long)number : Unreadable;

    private static string? Text(JsonElement parent, string name)
    {
        try
        {
            return TryGet(parent, name, out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString()!.ToLowerInvariant()
                : null;
        }
        catch (InvalidOperationException)
        {
            // The string contains half of an escaped surrogate pair.
            return null;
        }
    }

    private static IEnumerable<JsonElement> Objects(JsonElement parent, string name) =>
        Members(parent, [name]).Where(value => value.ValueKind == JsonValueKind.Object);

    private static IEnumerable<JsonElement> Members(JsonElement parent, ImmutableArray<string> names)
    {
        foreach (var name in names)
            if (TryGet(parent, name, out var value))
                yield return value;
    }

    private static bool TryGet(JsonElement parent, string name, out JsonElement value)
    {
        value = default;
        return parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out value)
            && value.ValueKind != JsonValueKind.Null;
    }
}
