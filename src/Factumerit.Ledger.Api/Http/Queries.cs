namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// A query that was begun is not cancelled when its caller goes away. Npgsql would cancel it by asking the server over a connection of its own, in a call that
/// blocks and holds a lock which the answer to the query waits for. Answers are taken up by the thread that sees bytes come, which both calls need:
/// everybody's requests would stand still until the call gives up, five seconds later. Ours are short; the connection that is gone only costs the rest of one.
/// What waits for the writer, for a turn to read, for the body or for another service is given up as ever; and a service that stops cancels the queries of its own watches, as a full
/// check may take minutes.
/// </summary>
internal static class Queries
{
    /// <summary>For queries, in place of <see cref="HttpContext.RequestAborted"/>.</summary>
    public static CancellationToken ToTheirEnd => CancellationToken.None;
}
