using Npgsql;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Reads <c>ConnectionStrings:Ledger</c>: a connection string of Npgsql, or a postgres URL. White space around it and
/// line breaks around its password are trimmed, because secrets read from files contain them. Null means the embedded
/// database. A blank value is an error.
/// </summary>
internal static class LedgerConnectionString
{
    public const string Key = "ConnectionStrings:Ledger";
    private const string PasswordVariable = "PGPASSWORD";

    // Variables by which other programs find a database. A user who sets them may expect this service to read them.
    private static readonly string[] Elsewhere = ["DATABASE_URL", "PGHOST"];
    private const string ElsewherePrefix = "POSTGRES_";

    /// <summary>The connection string for Npgsql; null if none is configured.</summary>
    /// <exception cref="ConfigurationException">The value is blank or can't be read.</exception>
    public static string? Read(IConfiguration configuration)
    {
        if (configuration.GetConnectionString("Ledger") is not { } given)
            return null;
        if (string.IsNullOrWhiteSpace(given))
            throw new ConfigurationException(
                $"{Key} is set but blank. Name a database in it, or remove it to use the embedded database.");
        var settings = Parse(given.Trim());
        settings.Password ??= Environment.GetEnvironmentVariable(PasswordVariable);
        if (settings.Password is { } password)
            settings.Password = password.Trim('\r', '\n') is { Length: > 0 } trimmed ? trimmed : null;
        return settings.ConnectionString;
    }

    /// <summary>Environment variables that name a database for other programs and are not read here.</summary>
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
            return new NpgsqlConnectionStringBuilder(
                PostgresUrl.IsOne(text) ? PostgresUrl.ToConnectionString(text) : text);
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
