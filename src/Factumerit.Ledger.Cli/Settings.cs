namespace Factumerit.Ledger.Cli;

/// <summary>
/// The service's address and the API key. The command line comes first, then the environment, then the nearest
/// <c>.factumerit</c> directory of an embedded service, then the default address.
/// </summary>
internal sealed record Settings(Uri Url, string ApiKey)
{
    public const string DefaultUrl = "http://localhost:5080";
    public const string UrlVariable = "FACTUMERIT_URL";
    public const string ApiKeyVariable = "FACTUMERIT_API_KEY";

    private const string DirectoryName = ".factumerit";

    /// <summary>Finds the settings, or throws a failure that names what is missing.</summary>
    public static Settings Find(string? urlOption, string? apiKeyOption, FaEnvironment environment)
    {
        var embedded = FindEmbedded(environment.WorkingDirectory);
        var embeddedUrl = ParseUrl(ReadLine(embedded, "url") ?? DefaultUrl, $"{embedded}/url");
        var chosenUrl = urlOption ?? environment.Variable(UrlVariable);
        var url = chosenUrl is null ? embeddedUrl : ParseUrl(chosenUrl, urlOption is null ? UrlVariable : "--url");

        // The embedded service's key has all rights, so it is sent only to that service or to this machine.
        var isEmbeddedKeyFit = url == embeddedUrl || url.IsLoopback;
        var key = apiKeyOption
            ?? environment.Variable(ApiKeyVariable)
            ?? (isEmbeddedKeyFit ? ReadLine(embedded, "admin-key") : null);
        if (string.IsNullOrWhiteSpace(key))
            throw new FaException($"No API key for {url}: pass --api-key or set {ApiKeyVariable}.");
        key = key.Trim();
        if (key.Any(letter => letter is < '!' or > '~'))
            throw new FaException("The API key must consist of printable ASCII characters without spaces.");
        return new Settings(url, key);
    }

    /// <summary>True for an absolute http or https address.</summary>
    public static bool IsUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https";

    private static Uri ParseUrl(string text, string origin)
    {
        if (!IsUrl(text.Trim()))
            throw new FaException($"'{text}' from {origin} is not an http or https URL such as {DefaultUrl}.");
        // The slash at the end keeps the address's own path when requests are resolved against it.
        return new Uri(text.Trim().TrimEnd('/') + "/");
    }

    private static string? FindEmbedded(string workingDirectory)
    {
        for (var directory = new DirectoryInfo(workingDirectory); directory is not null; directory = directory.Parent)
        {
            var candidate = Path.Combine(directory.FullName, DirectoryName);
            if (Directory.Exists(candidate))
                return candidate;
        }

        return null;
    }

    private static string? ReadLine(string? directory, string name)
    {
        if (directory is null || Path.Combine(directory, name) is var path && !File.Exists(path))
            return null;
        try
        {
            return File.ReadLines(path).Select(line => line.Trim()).FirstOrDefault(line => line.Length > 0);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new FaException($"Can't read {path}: {failure.Message}");
        }
    }
}
