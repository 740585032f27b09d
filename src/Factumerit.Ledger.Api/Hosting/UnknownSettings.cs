using System.Reflection;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>A section of the configuration, and the class that it is bound to.</summary>
internal sealed record SettingsSection(string Name, Type Type);

/// <summary>A setting that nothing reads, as it was written, and the nearest known setting, if there is one.</summary>
internal sealed record UnknownSetting(string Name, string? Nearest);

/// <summary>
/// Finds misspelt settings. Files and the command line belong to the service: every key that nothing reads is reported.
/// The environment is shared with other programs: a variable is reported if it is in a section of the service, or if it
/// is similar to a key of the service that is not set.
/// </summary>
internal sealed class UnknownSettings
{
    private const string AnyIndex = "*";

    // If more than one letter in three is wrong, the intended name can't be guessed.
    private const int LettersForEachWrong = 3;

    // A shorter name is similar to too many others.
    private const int NearLengthMin = 8;

    // Sections that the framework and its libraries read. They check these on their own, or accept any name.
    private static readonly string[] OpenSections = ["Serilog", "Logging", "Kestrel", "hostBuilder"];
    private const string OpenPrefix = "OTEL_";

    private static readonly string[] HostKeys =
    [
        .. new[] { typeof(WebHostDefaults), typeof(HostDefaults) }
            .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.Static))
            .Select(field => (string)field.GetValue(null)!),
        "FORWARDEDHEADERS_ENABLED",
    ];

    private readonly IConfigurationRoot _configuration;
    private readonly List<string> _known;
    private readonly HashSet<string> _sections;

    public UnknownSettings(IConfigurationRoot configuration, IEnumerable<SettingsSection> sections)
    {
        _configuration = configuration;
        _known =
        [
            "ConnectionStrings:Ledger", "AllowedHosts", Http.ProxyHeaders.PathBaseKey,
            .. sections.SelectMany(s => KeysOf(s.Name, s.Type)),
        ];
        _sections = _known.Where(key => key.Contains(':')).Select(FirstOf).ToHashSet(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The keys that the service reads, with N for an index.</summary>
    public IEnumerable<string> Known => _known.Select(Shown);

    public IReadOnlyList<UnknownSetting> Find() =>
    [
        .. _configuration.Providers.SelectMany(provider => provider switch
        {
            JsonConfigurationProvider or CommandLineConfigurationProvider =>
                UnknownOf(provider).Select(key => new UnknownSetting(key, NearTo(key))),
            EnvironmentVariablesConfigurationProvider =>
                UnknownOf(provider).Select(InEnvironment).OfType<UnknownSetting>(),
            _ => [],
        }).Distinct(),
    ];

    private UnknownSetting? InEnvironment(string key)
    {
        var (nearest, distance) = NearestTo(key);
        var isOurs = key.Contains(':') && _sections.Contains(FirstOf(key));
        var isNear = key.Length >= NearLengthMin && distance <= key.Length / 6 && _configuration[nearest] is null;
        if (!isOurs && !isNear)
            return null;
        return new UnknownSetting(Variable(key), NearTo(key) is { } near ? Variable(near) : null);
    }

    private IEnumerable<string> UnknownOf(IConfigurationProvider provider) => SetKeys(provider, null).Where(key =>
        !OpenSections.Contains(FirstOf(key), StringComparer.OrdinalIgnoreCase)
        && !key.StartsWith(OpenPrefix, StringComparison.OrdinalIgnoreCase)
        && !HostKeys.Contains(key, StringComparer.OrdinalIgnoreCase)
        && !_known.Exists(known => IsSame(known, key)));

    // An empty list in a file is a key with an empty value.
    private static IEnumerable<string> SetKeys(IConfigurationProvider provider, string? parent) => provider
        .GetChildKeys([], parent)
        .Distinct(StringComparer.OrdinalIgnoreCase)
        .Select(child => parent is null ? child : ConfigurationPath.Combine(parent, child))
        .SelectMany(key => provider.TryGet(key, out var value) && !string.IsNullOrEmpty(value)
            ? SetKeys(provider, key).Prepend(key)
            : SetKeys(provider, key));

    // The keys that the framework's binder reads: properties of plain types, lists of them, and lists of classes.
    private static IEnumerable<string> KeysOf(string path, Type type) => type.GetProperties()
        .Where(property => property.SetMethod is not null)
        .SelectMany(property => ElementOf(property.PropertyType) switch
        {
            null => [$"{path}:{property.Name}"],
            { Namespace: nameof(System) } => [$"{path}:{property.Name}:{AnyIndex}"],
            var element => KeysOf($"{path}:{property.Name}:{AnyIndex}", element),
        });

    /// <summary>The element type of a list; null for any other type.</summary>
    public static Type? ElementOf(Type type) =>
        type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.IsAssignableTo(typeof(System.Collections.IEnumerable))
            ? type.GenericTypeArguments[0]
        : null;

    private static bool IsSame(string known, string key)
    {
        var (pattern, parts) = (known.Split(':'), key.Split(':'));
        return pattern.Length == parts.Length
            && pattern.Zip(parts).All(
                pair => pair.First == AnyIndex || pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));
    }

    private string? NearTo(string key) =>
        NearestTo(key) is var (nearest, distance) && distance <= Letters(key).Length / LettersForEachWrong
            ? Shown(nearest)
            : null;

    private (string Key, int Distance) NearestTo(string key) =>
        _known.Select(known => (known, Distance(Letters(known), Letters(key)))).MinBy(pair => pair.Item2);

    private static string FirstOf(string key) => key.Split(':')[0];

    private static string Shown(string known) => known.Replace(AnyIndex, "N", StringComparison.Ordinal);

    private static string Variable(string key) => key.Replace(":", "__", StringComparison.Ordinal);

    // Only letters are compared: WRITER_QUEUE_LIMIT is Writer:QueueLimit in the wrong form.
    private static string Letters(string key) => string.Concat(key.Where(char.IsAsciiLetter)).ToUpperInvariant();

    // The Levenshtein distance: how many letters have to be inserted, removed or replaced.
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var replaced = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}
