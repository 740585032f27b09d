namespace Factumerit.Ledger.Integrity;

/// <summary>Joins the faults found now with those of earlier checks.</summary>
internal static class StandingFaults
{
    /// <summary>Adds the unresolved faults of earlier checks, grouped by kind.</summary>
    public static IntegrityReport WithStanding(this IntegrityReport report, IReadOnlyList<IntegrityFault> standing)
    {
        if (standing.Count == 0)
            return report;
        var known = standing.ToDictionary(f => (f.Kind, f.Id));
        var found = report.Faults.Select(f => known.Remove((f.Kind, f.Id), out var kept)
            ? f with { FaultId = kept.FaultId, FoundAt = kept.FoundAt }
            : f);
        var faults = found.ToList().Concat(known.Values).GroupBy(f => f.Kind, StringComparer.Ordinal)
            .SelectMany(kind => kind.Take(IntegrityCheck.FaultsMaxPerKind));
        return report with { IsBalanced = false, Faults = [.. faults] };
    }
}
