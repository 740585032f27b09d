using System.Threading.RateLimiting;

namespace Factumerit.Ledger.Api.Http;

/// <summary>Waits for turns, and not for ever.</summary>
internal static class Turns
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(10);

    /// <summary>A turn, to be disposed of; not acquired when too many wait, or this one has waited for ten seconds.</summary>
    public static async ValueTask<RateLimitLease> TakeAsync(
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
            return new GivenUp();
        }
    }

    private sealed class GivenUp : RateLimitLease
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
