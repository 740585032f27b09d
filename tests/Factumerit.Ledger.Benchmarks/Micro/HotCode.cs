using System.Text;
using BenchmarkDotNet.Attributes;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Benchmarks.Load;
using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Benchmarks.Micro;

/// <summary>
/// The code that runs in the service for every usage, without HTTP and the database. Figures are per usage.
/// </summary>
[MemoryDiagnoser]
public class HotCode
{
    private const int BatchSize = 500;
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    private readonly byte[] _body = Encoding.UTF8.GetBytes("""
        {"user_id":"vikunja:alice","amount_cents":0.0165,"request_id":"chatcmpl-001-0-000000001",
        """
        + """
        "model":"claude-sonnet-4-5","prompt_tokens":1200,"completion_tokens":340}
        """);

    private readonly UsageRequest[] _requests = [.. Enumerable.Range(0, BatchSize).Select(Request)];

    /// <summary>A batch of usages, from their requests to everything that the writer has to save.</summary>
    [Benchmark(OperationsPerInvoke = BatchSize)]
    public int Decide()
    {
        var state = new WorkingSet(Now);
        foreach (var request in _requests)
            if (state.FindUser(request.UserId!) is null)
                state.Load(new UserAccount
                {
                    UserId = request.UserId!,
                    BalanceCents = Calls.GrantCents,
                    CreatedAt = Now,
                    UpdatedAt = Now,
                });
        foreach (var request in _requests)
            new RecordUsage(request).Apply(state);
        return state.NewEntries.Count;
    }

    /// <summary>A request's body, from bytes to the request.</summary>
    [Benchmark]
    public UsageRequest? Parse() => JsonBody.ReadStrictly<UsageRequest>(_body);

    /// <summary>The hash that tells a replay from a reuse of its key (R9).</summary>
    [Benchmark]
    public long Hash()
    {
        var request = _requests[0];
        return RequestHash.Of(
            request.AmountCents, request.Model, request.PromptTokens, request.CompletionTokens, request.Description,
            request.ReferenceId, request.Metadata?.GetRawText(), request.OccurredAt).Value;
    }

    private static UsageRequest Request(int n)
    {
        var call = Calls.Of(0, n, Calls.Users);
        return new UsageRequest
        {
            UserId = Calls.User(call.User),
            AmountCents = call.Cents,
            RequestId = Calls.RequestId(1, 0, n),
            Model = Calls.Model,
            PromptTokens = call.PromptTokens,
            CompletionTokens = call.CompletionTokens,
        };
    }
}
