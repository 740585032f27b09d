namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// What a provider's console or API hands out about past usage. Who pays is the first name that a row gives, or the one user whom
/// the command names; the service judges whether that is a user. Such files hold more columns than are read.
/// </summary>
internal abstract class ProviderExport(string? user) : UsageFormat
{
    private const string NoUser = "names no user: give one with --user";

    /// <summary>The user who pays for a row that gives these names; where there is none, the fault that says so.</summary>
    protected bool TryFindUser(long line, out string userId, out UsageRow? fault, params ReadOnlySpan<string?> names)
    {
        var found = user;
        foreach (var name in names)
            found ??= name;
        (userId, fault) = (found ?? "", found is null ? UsageRow.Faulty(line, NoUser, "no-user") : null);
        return found is not null;
    }

    /// <summary>What still grows must not be recorded: its request id would then stand for less than it comes to.</summary>
    protected static UsageRow? FindUnfinished(long line, DateTimeOffset end, DateTimeOffset now) => end <= now
        ? null
        : UsageRow.Faulty(
            line, $"is not over before {end.UtcDateTime:yyyy-MM-dd HH:mm}Z, and still grows: import it from a later export", "not-over");
}
