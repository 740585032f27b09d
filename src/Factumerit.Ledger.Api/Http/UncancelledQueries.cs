namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Database queries are not cancelled when their client disconnects. Npgsql would cancel a query over a second
/// connection, in a call that blocks and holds a lock that the query's response needs. Responses are processed on the
/// thread that receives their bytes, and both calls need that thread. All requests would then wait until the call gives
/// up, five seconds later. Queries of this service are short, so a client that is gone wastes only the rest of one
/// query. Waiting for the writer, for a turn to read, for the body or for another service is still cancelled. When the
/// service stops, it cancels the queries of its background work, because a full check may take minutes.
/// </summary>
internal static class UncancelledQueries
{
    /// <summary>The token for queries, in place of <see cref="HttpContext.RequestAborted"/>.</summary>
    public static CancellationToken Token => CancellationToken.None;
}
