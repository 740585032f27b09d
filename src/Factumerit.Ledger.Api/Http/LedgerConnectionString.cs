using Npgsql;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Reads <c>ConnectionStrings:Ledger</c>: a connection string of Npgsql, or a postgres URL. White space at its ends and line breaks around its password
/// are cut off, as secrets that were read from files carry them. Null means the embedded database; a blank value is a mistake, never that.
/// </summary>
internal static class LedgerConnectionString
{
    public const string Key = "ConnectionStrings:Ledger";
    private const string PasswordVariable = "PGPASSWORD";

    // What others read to find a database. Whoever set them may think that we do.
    private static readonly string[] Elsewhere = ["DATABASE_URL", "PGHOST"];
    private const string ElsewherePrefix = "POSTGRES_";

    /// <summary>The string as Npgsql takes it; null when none was given.</summary>
    /// <exception cref="ConfigurationException">It is blank or can't be read.</exception>
    public static string? Read(IConfiguration configuration)
    {
        if (configuration.GetConnectionString("Ledger") is not { } given)
            return null;
        if (string.IsNullOrWhiteSpace(given))
            throw new ConfigurationException($"{Key} is set but blank. Name a database in it; or take it out, and the embedded database is used.");
        var settings = Parse(given.Trim());
        settings.Password ??= Environment.GetEnvironmentVariable(PasswordVariable);
        if (settings.Password is { } password)
            settings.Password = password.Trim('\r', '\n') is { Length: > 0 } trimmed ? trimmed : null;
        return settings.ConnectionString;
    }

    /// <summary>Variables of the environment that name a database elsewhere, but not here.</summary>
    public static IReadOnlyList<string> FindUnread() =>
    [
        .. Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(name => Elsewhere.Contains(name) || name.StartsWith(ElsewherePrefix, StringComparison.Ordinal))
            .Where(name => !string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(name)))
            .Order(StringComparer.Ordinal),
    ];

    private static NpgsqlConnectionStringBuilder Parse(string text)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(PostgresUrl.IsOne(text) ? PostgresUrl.ToConnectionString(text) : text);
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException($"{Key} is a URL that can't be read: it {exception.Message}.");
        }
        catch (ArgumentException exception)
        {
            throw new ConfigurationException($"{Key} is not a connection string of Npgsql: {exception.Message}");
        }
    }
}
