namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// An export of past usage from a provider's console or API. The payer is the user named by the command, else the first
/// name that a row gives. The service decides whether that is a valid user. Such files have more columns than are read.
/// </summary>
internal abstract class ProviderExport(string? user) : UsageFormat
{
    private const string NoUser = "names no user: pass one with --user";

    /// <summary>The user who pays for a row with these names, or a fault if there is none.</summary>
    protected bool TryFindUser(long line, out string userId, out UsageRow? fault, params ReadOnlySpan<string?> names)
    {
        var found = user;
        foreach (var name in names)
            found ??= name;
        (userId, fault) = (found ?? "", found is null ? UsageRow.Faulty(line, NoUser, "no-user") : null);
        return found is not null;
    }

    /// <summary>
    /// The fault of a span that hasn't ended; null if it has. Its amount still grows, and recording it would fix its
    /// request id to less than the final amount.
    /// </summary>
    protected static UsageRow? FindUnfinished(long line, DateTimeOffset end, DateTimeOffset now) => end <= now
        ? null
        : UsageRow.Faulty(
            line,
            $"ends at {end.UtcDateTime:yyyy-MM-dd HH:mm}Z and is not final yet: import it from a later export",
            "not-over");
}
