using System.CommandLine;
using Factumerit.Ledger.Cli.Display;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// The arguments and options that several commands share, with the rules that can be told before anything is sent. Amounts
/// stay the text that was typed, which is sent digit by digit; how small or large they may be is the service's to say.
/// </summary>
internal static class Inputs
{
    public static Argument<string> User()
    {
        var user = new Argument<string>("USER") { Description = "The user's id, for example vikunja:alice" };
        // As a path segment these would address something else.
        user.Validators.Add(result => CommandTree.Require(result, id => id is not ("" or "." or ".."), "is not a user's id"));
        return user;
    }

    public static Option<string?> Text(string name, string description, string helpName = "TEXT") =>
        new(name) { Description = description, HelpName = helpName };

    /// <summary>An amount in cents such as 500 or 0.0165.</summary>
    public static Option<string?> Cents(string name, string description, bool isRequired = false)
    {
        var cents = new Option<string?>(name) { Description = description, HelpName = "CENTS", Required = isRequired };
        cents.Validators.Add(result => CommandTree.Require(result, MoneyFormat.IsNumber, "is not a number of cents such as 500 or 0.0165"));
        return cents;
    }

    public static Option<long?> Number(string name, string description) => new(name) { Description = description, HelpName = "N" };

    /// <summary>How many items to show, from 1.</summary>
    public static Option<int> Count(string name, string description, int byDefault, int max)
    {
        var count = new Option<int>(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => byDefault };
        count.Validators.Add(result =>
            CommandTree.Require(result, text => !int.TryParse(text, out var n) || (n >= 1 && n <= max), $"is not between 1 and {max}"));
        return count;
    }

    public static Option<string?> IdempotencyKey()
    {
        var key = Text("--idempotency-key", "What names this move, so that running it again moves nothing twice (else a new one)", "KEY");
        key.Validators.Add(result => CommandTree.Require(
            result, text => text.Length > 0 && text.All(letter => letter is >= ' ' and <= '~') && text.Trim() == text, "is not plain text"));
        return key;
    }

    public static Option<bool> Yes() => new("--yes", "-y") { Description = "Don't ask" };

    /// <summary>A key that was never used before.</summary>
    public static string NewKey() => $"fa-{Guid.NewGuid():N}";
}
