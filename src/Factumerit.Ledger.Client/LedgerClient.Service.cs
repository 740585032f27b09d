namespace Factumerit.Ledger.Client;

/// <summary>LiteLLM's calls, problems, and the state of the service.</summary>
public sealed partial class LedgerClient
{
    /// <summary>POST /intake/litellm: takes in calls as LiteLLM's generic_api callback sends them.</summary>
    /// <param name="calls">An array, lines or a single object, as JSON.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IntakeAnswer> TakeInAsync(
        ReadOnlyMemory<byte> calls, CancellationToken cancellationToken = default)
    {
        // Each call is recorded once under all its ids.
        var message = new LedgerRequest(HttpMethod.Post, "intake/litellm", calls) { NeedsNoKey = true };
        return (await SendAsync(message, cancellationToken)).Read<IntakeAnswer>();
    }

    /// <summary>POST /intake/litellm/reconcile: takes in what LiteLLM did not send. Safe to run again.</summary>
    public Task<Reconciliation> ReconcileAsync(
        ReconcileRequest request, CancellationToken cancellationToken = default) =>
        PostAsync<ReconcileRequest, Reconciliation>("intake/litellm/reconcile", request, null, cancellationToken);

    /// <summary>GET /problems/{code}: what a problem means, and what to do about it.</summary>
    public Task<ProblemKind> ExplainProblemAsync(string code, CancellationToken cancellationToken = default) =>
        GetAsync<ProblemKind>($"problems/{Uri.EscapeDataString(code)}", cancellationToken);

    /// <summary>GET /health/live: whether the process answers.</summary>
    public Task<HealthAnswer> GetLivenessAsync(CancellationToken cancellationToken = default) =>
        GetHealthAsync("health/live", cancellationToken);

    /// <summary>GET /health/ready: whether the service can work, and the state of each check.</summary>
    public Task<HealthAnswer> GetReadinessAsync(CancellationToken cancellationToken = default) =>
        GetHealthAsync("health/ready", cancellationToken);

    // An unhealthy service answers 503 with the same fields. It is asked once.
    private async Task<HealthAnswer> GetHealthAsync(string path, CancellationToken cancellationToken) =>
        (await _connection.SendAsync(LedgerRequest.Get(path), cancellationToken)).Read<HealthAnswer>();
}
