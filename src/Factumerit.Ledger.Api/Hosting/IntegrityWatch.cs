using System.ComponentModel.DataAnnotations;
using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>The configuration section <c>Integrity</c>: how often the service checks the books by itself.</summary>
public sealed class IntegrityOptions
{
    /// <summary>Seconds between checks of the entries since the last check; 0 is never.</summary>
    [Range(0, 86_400, ErrorMessage = "Integrity:IntervalSeconds must be from {1} to {2}; 0 is never.")]
    public int IntervalSeconds { get; set; } = 10;

    /// <summary>Hours between full checks, which begin at the first entry; 0 is never.</summary>
    [Range(0, 8_760, ErrorMessage = "Integrity:FullIntervalHours must be from {1} to {2}; 0 is never.")]
    public int FullIntervalHours { get; set; } = 24;
}

/// <summary>
/// Checks the books in the background. A check by hand then has little left to read, and each new fault is logged once,
/// before a user asks. Services on the same database share the checkpoint, and so the work.
/// </summary>
public sealed class IntegrityWatch(
    IntegrityCheck check, IOptions<IntegrityOptions> options, BackgroundJobs jobs, TimeProvider clock,
    ILogger<IntegrityWatch> logger)
    : BackgroundService
{
    private DateTimeOffset? _fullyCheckedAt;
    private volatile IntegrityReport? _last;

    /// <summary>The report of the last round; null before the first round.</summary>
    public IntegrityReport? Last => _last;

    /// <summary>One round: checks the entries since the last round, or everything if a full check is due.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var isFullDue = options.Value.FullIntervalHours > 0 && _fullyCheckedAt is { } last
            && clock.GetUtcNow() - last > TimeSpan.FromHours(options.Value.FullIntervalHours);
        var report = await check.RunAsync(isFullDue, cancellationToken);
        _fullyCheckedAt = report.FullyCheckedAt;
        _last = report;
        LedgerMetrics.Faults.Record(report.Faults.Count);
        var found = report.Faults.Where(f => f.IsNew).ToList();
        if (found.Count > 0)
            LogFaults(
                logger, found.Count, string.Join("; ", found.Take(3).Select(f => $"{f.Kind} {f.Id}: {f.Detail}")));
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => options.Value.IntervalSeconds == 0
        ? Task.CompletedTask
        : jobs.RunAsync(
            new("Checking the books", () => TimeSpan.FromSeconds(options.Value.IntervalSeconds), CheckAsync),
            logger,
            stoppingToken);

    private static void LogFaults(ILogger logger, int faults, string first) =>
        logger.LogError(
            "The check of the books found {Faults} new faults: {First}. See GET /ledger/integrity.",
            faults, first);
}
