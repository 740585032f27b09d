using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Factumerit.Ledger.Pricing;

/// <summary>The classes of tokens that may have their own price. Every token of a call belongs to one class.</summary>
internal enum TokenClass
{
    Input,
    CacheRead,
    CacheWrite,
    CacheWriteHour,
    AudioInput,
    ImageInput,
    VideoInput,
    AudioCacheRead,
    ImageCacheRead,
    VideoCacheRead,
    Output,
    Reasoning,
    AudioOutput,
    ImageOutput,
    VideoOutput,
}

/// <summary>The media other than text that tokens stand for.</summary>
internal enum Medium
{
    Audio,
    Image,
    Video,
}

/// <summary>
/// The names of the prices of each class in the price map: <c>input_cost_per_token</c>, followed by the prompt size
/// above which the price applies (<c>_above_200k_tokens</c>), followed by the service tier (<c>_priority</c>).
/// </summary>
internal static partial class TokenClasses
{
    public const int Count = (int)TokenClass.VideoOutput + 1;

    /// <summary>The tier of batches, which half of the map calls batch_requests.</summary>
    public const string Batches = "batches";

    public static readonly ImmutableArray<Medium> Media = [.. Enum.GetValues<Medium>()];

    private static readonly Dictionary<TokenClass, string> Names = new()
    {
        [TokenClass.Input] = "input_cost_per_token",
        [TokenClass.CacheRead] = "cache_read_input_token_cost",
        [TokenClass.CacheWrite] = "cache_creation_input_token_cost",
        [TokenClass.CacheWriteHour] = "cache_creation_input_token_cost_above_1hr",
        [TokenClass.AudioInput] = "input_cost_per_audio_token",
        [TokenClass.ImageInput] = "input_cost_per_image_token",
        [TokenClass.VideoInput] = "input_cost_per_video_token",
        [TokenClass.AudioCacheRead] = "cache_read_input_audio_token_cost",
        [TokenClass.ImageCacheRead] = "cache_read_input_image_token_cost",
        [TokenClass.VideoCacheRead] = "cache_read_input_video_token_cost",
        [TokenClass.Output] = "output_cost_per_token",
        [TokenClass.Reasoning] = "output_cost_per_reasoning_token",
        [TokenClass.AudioOutput] = "output_cost_per_audio_token",
        [TokenClass.ImageOutput] = "output_cost_per_image_token",
        [TokenClass.VideoOutput] = "output_cost_per_video_token",
    };

    // The longest name first, because the name of one-hour writes begins with the name of all writes.
    private static readonly ImmutableArray<(TokenClass Class, string Name)> ByLength =
        [.. Names.OrderByDescending(name => name.Value.Length).Select(name => (name.Key, name.Value))];

    /// <summary>
    /// The class whose price applies where a class has no price of its own; null for the two classes of which all
    /// others are kinds.
    /// </summary>
    public static TokenClass? KindOf(TokenClass one) => one switch
    {
        TokenClass.Input or TokenClass.Output => null,
        TokenClass.CacheWriteHour => TokenClass.CacheWrite,
        TokenClass.AudioCacheRead or TokenClass.ImageCacheRead or TokenClass.VideoCacheRead => TokenClass.CacheRead,
        TokenClass.Reasoning or TokenClass.AudioOutput or TokenClass.ImageOutput or TokenClass.VideoOutput =>
            TokenClass.Output,
        _ => TokenClass.Input,
    };

    public static TokenClass InputOf(Medium medium) => TokenClass.AudioInput + (int)medium;

    public static TokenClass CacheReadOf(Medium medium) => TokenClass.AudioCacheRead + (int)medium;

    public static TokenClass OutputOf(Medium medium) => TokenClass.AudioOutput + (int)medium;

    /// <summary>The medium of a class; null when it has none.</summary>
    public static Medium? MediumOf(TokenClass one) => one switch
    {
        TokenClass.AudioInput or TokenClass.AudioOutput or TokenClass.AudioCacheRead => Medium.Audio,
        TokenClass.ImageInput or TokenClass.ImageOutput or TokenClass.ImageCacheRead => Medium.Image,
        TokenClass.VideoInput or TokenClass.VideoOutput or TokenClass.VideoCacheRead => Medium.Video,
        _ => null,
    };

    /// <summary>
    /// The class and the condition in a price name of the map; null when the name is not a price of tokens.
    /// </summary>
    public static (TokenClass Class, PriceCondition Condition)? Parse(string name)
    {
        foreach (var (one, plain) in ByLength)
            if (name.StartsWith(plain, StringComparison.Ordinal)
                && Condition().Match(name, plain.Length) is { Success: true } match)
                return (one, new(SizeOf(match.Groups["size"].Value), TierOf(match.Groups["tier"].Value)));
        return null;
    }

    /// <summary>A service tier as price names spell it.</summary>
    public static string TierOf(string tier) => tier is "batch" or "batch_requests" ? Batches : tier;

    private static int SizeOf(string digits) =>
        digits.Length == 0 ? 0 : int.Parse(digits, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\G(_above_(?<size>[1-9][0-9]{0,5})k_tokens)?(_(?<tier>batch_requests|[a-z]+))?\z")]
    private static partial Regex Condition();
}

/// <summary>
/// When a price applies: for prompts of more than this many thousand tokens (0: all), and in a service tier (empty: the
/// standard tier).
/// </summary>
internal readonly record struct PriceCondition(int AboveThousands, string Tier)
{
    public static readonly PriceCondition None = new(0, "");
}
