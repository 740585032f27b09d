using System.Globalization;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Reads query parameters and collects their errors by name.</summary>
internal sealed class QueryReader(HttpContext http)
{
    public const int LimitMax = 1000;

    private readonly FieldErrors _errors = new(default);

    /// <summary>The collected errors; null if all parameters could be read.</summary>
    public Refusal? Refusal => _errors.Any ? _errors.ToRefusal() : null;

    public string? Text(string name)
    {
        if (http.Request.Query[name] is not [{ Length: > 0 } text, ..])
            return null;
        if (!text.Any(char.IsControl))
            return text;
        _errors.Add(name, "must not contain control characters");
        return null;
    }

    public int Limit(int standard)
    {
        if (Text("limit") is not { } text)
            return standard;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
            && limit is >= 1 and <= LimitMax)
            return limit;
        _errors.Add("limit", $"must be a whole number from 1 to {LimitMax}");
        return standard;
    }

    public long? EntryId(string name)
    {
        if (Text(name) is not { } text)
            return null;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            return id;
        _errors.Add(name, "must be the value of the previous page's next_before");
        return null;
    }

    public Guid? Id(string name)
    {
        if (Text(name) is not { } text)
            return null;
        if (Guid.TryParse(text, out var id))
            return id;
        _errors.Add(name, $"must be the value of the previous page's next_{name}");
        return null;
    }

    /// <summary>Reads one of the given words.</summary>
    public string? Choice(string name, params string[] choices)
    {
        var choice = Text(name);
        if (choice is not null && !choices.Contains(choice))
            _errors.Add(name, $"must be {string.Join(", ", choices[..^1])} or {choices[^1]}");
        return choice;
    }

    public string? Name(string name)
    {
        var value = Text(name);
        _errors.CheckName(name, value);
        return value;
    }

    public bool Flag(string name)
    {
        // A flag without a value is refused and not read as false: ?dry_run must not import.
        if (http.Request.Query[name] is not [var text, ..])
            return false;
        if (text is not ("true" or "false"))
            _errors.Add(name, "must be true or false");
        return text is "true";
    }

    public AccountType? AccountType(string name)
    {
        switch (Text(name))
        {
            case null: return null;
            case "user": return Ledger.AccountType.User;
            case "asset": return Ledger.AccountType.Asset;
            case "expense": return Ledger.AccountType.Expense;
            case "equity": return Ledger.AccountType.Equity;
            default:
                _errors.Add(name, "must be user, asset, expense or equity");
                return null;
        }
    }

    /// <summary>Reads a time as in bodies: without an offset it is UTC.</summary>
    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
            return null;
        if (LedgerTime.TryParse(text, out var time))
            return time;
        _errors.Add(name, LedgerTime.Expected);
        return null;
    }

    /// <summary>Reads a span of time. Both ends are optional; from is inclusive, to is exclusive.</summary>
    public (DateTimeOffset? From, DateTimeOffset? To) Period()
    {
        var (from, to) = (Time("from"), Time("to"));
        if (to <= from)
            _errors.Add("to", "must be later than from");
        return (from, to);
    }

    public string? Provider(string name)
    {
        var provider = Text(name);
        if (provider is not null)
            _errors.CheckProvider(name, provider);
        return provider;
    }

    public string? FilterUserId(string name)
    {
        var userId = Text(name);
        if (userId is not null)
            _errors.CheckUserId(name, userId);
        return userId;
    }

    public string UserId(string userId)
    {
        _errors.CheckUserId("user_id", userId);
        return userId;
    }
}
