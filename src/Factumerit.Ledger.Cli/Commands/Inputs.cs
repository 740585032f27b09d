using System.CommandLine;
using System.Globalization;
using Factumerit.Ledger.Cli.Display;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// Arguments and options that several commands share, with the rules that are checked before a request is sent.
/// An amount stays the text that was typed and is sent digit by digit. The service decides which amounts are too small
/// or too large.
/// </summary>
internal static class Inputs
{
    public static Argument<string> User()
    {
        var user = new Argument<string>("USER") { Description = "The user's id, for example vikunja:alice" };
        // As path segments these would address another resource.
        user.Validators.Add(result => CommandTree.Require(
            result, id => id is not ("" or "." or ".."), "is not a user id such as vikunja:alice"));
        return user;
    }

    public static Option<string?> Text(string name, string description, string helpName = "TEXT") =>
        new(name) { Description = description, HelpName = helpName };

    /// <summary>An amount in cents such as 500 or 0.0165.</summary>
    public static Option<string?> Cents(string name, string description, bool isRequired = false)
    {
        var cents = new Option<string?>(name) { Description = description, HelpName = "CENTS", Required = isRequired };
        cents.Validators.Add(result => CommandTree.Require(
            result, MoneyFormat.IsNumber, "is not a number of cents such as 500 or 0.0165"));
        return cents;
    }

    /// <summary>A provider's charge in US dollars such as 0.000165.</summary>
    public static Option<string?> Usd(string name, string description)
    {
        var usd = new Option<string?>(name) { Description = description, HelpName = "USD" };
        usd.Validators.Add(result => CommandTree.Require(
            result, MoneyFormat.IsNumber, "is not a number of US dollars such as 0.000165"));
        return usd;
    }

    /// <summary>A whole number, sent as it was typed.</summary>
    public static Option<string?> Number(string name, string description)
    {
        var number = Text(name, description, "N");
        number.Validators.Add(result => CommandTree.Require(
            result, text => ToWhole(text) is not null, "is not a whole number"));
        return number;
    }

    /// <summary>A number of items, at least 1.</summary>
    public static Option<int> Count(string name, string description, int byDefault, int max) => new(name)
    {
        Description = description,
        HelpName = "N",
        DefaultValueFactory = _ => byDefault,
        CustomParser = result =>
        {
            CommandTree.Require(
                result,
                text => ToWhole(text) is { } count && count >= 1 && count <= max,
                $"is not a whole number between 1 and {max}");
            return (int)(ToWhole(result.Tokens[0].Value) ?? 0);
        },
    };

    /// <summary>One of the given words.</summary>
    public static Option<string?> Choice(string name, string description, string helpName, params string[] choices)
    {
        var choice = Text(name, $"{description}: {string.Join(", ", choices)}", helpName);
        choice.Validators.Add(result => CommandTree.Require(
            result, choices.Contains, $"is not one of {string.Join(", ", choices)}"));
        choice.CompletionSources.Add(choices);
        return choice;
    }

    public static Option<string?> IdempotencyKey()
    {
        var key = Text(
            "--idempotency-key",
            "Idempotency key: with the same key, the command takes effect only once (default: a new key)",
            "KEY");
        key.Validators.Add(result => CommandTree.Require(
            result,
            text => text.Length > 0 && text.All(letter => letter is >= ' ' and <= '~') && text.Trim() == text,
            "must be printable ASCII without spaces at the start or end"));
        return key;
    }

    public static Option<bool> Yes() => new("--yes", "-y") { Description = "Don't ask for confirmation" };

    /// <summary>A new, unique key.</summary>
    public static string NewKey() => $"fa-{Guid.NewGuid():N}";

    private static long? ToWhole(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
        && MoneyFormat.IsNumber(text)
            ? number
            : null;
}
