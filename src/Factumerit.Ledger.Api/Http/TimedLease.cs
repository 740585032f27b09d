using System.Threading.RateLimiting;

namespace Factumerit.Ledger.Api.Http;

/// <summary>Waits for leases, with a time limit.</summary>
internal static class TimedLease
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(10);

    /// <summary>A lease, to be disposed of. Not acquired if the queue is full or the wait took ten seconds.</summary>
    public static async ValueTask<RateLimitLease> AcquireAsync(
        Func<CancellationToken, ValueTask<RateLimitLease>> acquire, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        enough.CancelAfter(WaitMax);
        try
        {
            return await acquire(enough.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new NotAcquired();
        }
    }

    private sealed class NotAcquired : RateLimitLease
    {
        public override bool IsAcquired => false;

        public override IEnumerable<string> MetadataNames => [];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = null;
            return false;
        }
    }
}
