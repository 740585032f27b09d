using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Converts a <c>postgres://</c> or <c>postgresql://</c> URL, as hosting providers issue it, to a connection string of
/// Npgsql. Reads what libpq documents: several hosts, IPv6 in brackets, percent-encoding, and the parameters that
/// Npgsql has too. No message quotes a value, because it may be the password.
/// </summary>
internal static partial class PostgresUrl
{
    // libpq's names and the names that Npgsql uses. The parts of the URL itself may also stand in the query.
    private static readonly Dictionary<string, string> Keywords = new(StringComparer.Ordinal)
    {
        ["host"] = "Host",
        ["port"] = "Port",
        ["dbname"] = "Database",
        ["user"] = "Username",
        ["password"] = "Password",
        ["passfile"] = "Passfile",
        ["application_name"] = "Application Name",
        ["options"] = "Options",
        ["client_encoding"] = "Client Encoding",
        ["connect_timeout"] = "Timeout",
        ["sslmode"] = "SSL Mode",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["sslpassword"] = "SSL Password",
        ["sslnegotiation"] = "SSL Negotiation",
        ["channel_binding"] = "Channel Binding",
        ["gssencmode"] = "GSS Encryption Mode",
        ["krbsrvname"] = "Kerberos Service Name",
        ["target_session_attrs"] = "Target Session Attributes",
        ["keepalives_idle"] = "TCP Keepalive Time",
        ["keepalives_interval"] = "TCP Keepalive Interval",
    };

    public static bool IsOne(string text) => Scheme().IsMatch(text);

    /// <summary>Converts the URL to a connection string of Npgsql.</summary>
    /// <exception cref="FormatException">
    /// The URL can't be read. The message completes the sentence "The URL ...".
    /// </exception>
    public static string ToConnectionString(string url)
    {
        var rest = url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..];
        var (location, query) = Cut(rest, '?');
        var (authority, database) = Cut(location, '/');
        // A password that is not percent-encoded may contain @, so the last @ ends it.
        var at = authority.LastIndexOf('@');
        if (at < 0 && rest.Contains('@', StringComparison.Ordinal) && location.Contains('@', StringComparison.Ordinal))
            throw new FormatException(
                "has a user or password with a character that must be percent-encoded, such as %2F for /");
        var settings = new NpgsqlConnectionStringBuilder();
        if (at >= 0)
            SetUser(settings, authority[..at]);
        if (database is { Length: > 0 })
            settings.Database = Decode(database);
        var (hosts, ports) = SplitHosts(authority[(at + 1)..]);
        foreach (var parameter in (query ?? "").Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Cut(parameter, '=');
            var (key, decoded) = (Decode(name), Decode(value ?? ""));
            if (key == "host")
                hosts = decoded;
            else if (key == "port")
                ports = decoded;
            else
                Set(settings, key, decoded);
        }
        SetHosts(settings, hosts, ports);
        return settings.ConnectionString;
    }

    private static void SetUser(NpgsqlConnectionStringBuilder settings, string userInfo)
    {
        var (user, password) = Cut(userInfo, ':');
        if (user.Length > 0)
            settings.Username = Decode(user);
        if (password is { Length: > 0 })
            settings.Password = Decode(password);
    }

    // Two lists, because the query may override either of them.
    private static (string Hosts, string Ports) SplitHosts(string text)
    {
        var (hosts, ports) = (new List<string>(), new List<string>());
        foreach (var place in text.Split(','))
        {
            var match = Place().Match(place);
            if (!match.Success)
                throw new FormatException("must name hosts as host, host:port or [IPv6]:port, separated by commas");
            hosts.Add(Decode(match.Groups["host"].Value));
            ports.Add(match.Groups["port"].Value);
        }
        return (string.Join(',', hosts), string.Join(',', ports));
    }

    private static void SetHosts(NpgsqlConnectionStringBuilder settings, string hosts, string ports)
    {
        var (names, numbers) = (hosts.Split(','), ports.Split(','));
        if (numbers.Length != 1 && numbers.Length != names.Length)
            throw new FormatException("must give one port, or one for each host");
        var places = names.Select((name, i) => (
            Name: name.Length > 0 ? name : "localhost",
            Port: PortOf(numbers[numbers.Length == 1 ? 0 : i]))).ToList();
        if (places is [var only])
        {
            (settings.Host, settings.Port) = (only.Name, only.Port ?? NpgsqlConnection.DefaultPort);
            return;
        }
        settings.Host = string.Join(',', places.Select(place => string.Create(
            CultureInfo.InvariantCulture, $"{InList(place.Name)}:{place.Port ?? NpgsqlConnection.DefaultPort}")));
    }

    private static string InList(string host) => host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;

    private static int? PortOf(string text) =>
        text.Length == 0 ? null
        : ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0 ? port
        : throw new FormatException("must give ports from 1 to 65535");

    private static void Set(NpgsqlConnectionStringBuilder settings, string name, string value)
    {
        // The spelling of JDBC, which libpq accepts too.
        if (name == "ssl" && value == "true")
            (name, value) = ("sslmode", "require");
        if (name == "load_balance_hosts" && value is "random" or "disable")
        {
            settings.LoadBalanceHosts = value == "random";
            return;
        }
        if (!Keywords.TryGetValue(name, out var keyword))
            throw new FormatException(
                $"has the parameter {name}, which is none of {string.Join(", ", Keywords.Keys)}, "
                + "load_balance_hosts, ssl=true");
        try
        {
            // Npgsql spells verify-full as VerifyFull.
            settings[keyword] = name == "sslmode" ? value.Replace("-", "", StringComparison.Ordinal) : value;
        }
        catch (Exception exception)
            when (exception is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            throw new FormatException($"has an invalid value of the parameter {name}");
        }
    }

    private static (string Head, string? Tail) Cut(string text, char separator) =>
        text.IndexOf(separator) is >= 0 and var at ? (text[..at], text[(at + 1)..]) : (text, null);

    private static string Decode(string text)
    {
        if (WrongPercent().IsMatch(text))
            throw new FormatException(
                "has a percent sign that two hexadecimal digits must follow; the sign itself is written %25");
        var decoded = Uri.UnescapeDataString(text);
        return decoded.Contains('\0', StringComparison.Ordinal)
            ? throw new FormatException("must not hold %00")
            : decoded;
    }

    [GeneratedRegex("^postgres(ql)?://", RegexOptions.IgnoreCase)]
    private static partial Regex Scheme();

    [GeneratedRegex(@"^(\[(?<host>[0-9A-Fa-f:.%]+)\]|(?<host>[^\[\]:]*))(:(?<port>[0-9]*))?$")]
    private static partial Regex Place();

    [GeneratedRegex("%(?![0-9A-Fa-f]{2})")]
    private static partial Regex WrongPercent();
}
