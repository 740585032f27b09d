using System.Data;
using System.Text.Json;
using Factumerit.Ledger.Commands;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Factumerit.Ledger.Benchmarks.Plain;

/// <summary>
/// The yardstick "one at a time": POST /usage as a plain EF service would do it. Each request is one serializable
/// commit, and is retried with a fresh context when it loses. Keeps no totals per account and asks for no API key.
/// </summary>
internal static class PlainService
{
    private const int AttemptsMax = 20;

    public static async Task<int> RunAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        var source = NpgsqlDataSource.Create(builder.Configuration.GetConnectionString("Ledger")
            ?? throw new InvalidOperationException(
                "ConnectionStrings__Ledger must name a database with the ledger's schema."));
        builder.Services.AddPooledDbContextFactory<PlainDbContext>(options => options.UseNpgsql(source));
        builder.Services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, LedgerJson.Default);
        });
        await using var app = builder.Build();
        app.MapGet("/ready", () => "ready");
        app.MapPost("/usage", (Delegate)RecordAsync);
        await app.RunAsync();
        return 0;
    }

    private static async Task<IResult> RecordAsync(
        UsageRequest request, IDbContextFactory<PlainDbContext> contexts, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var context = await contexts.CreateDbContextAsync(cancellationToken);
                return await TryAsync(context, request, cancellationToken);
            }
            catch (Exception exception) when (attempt < AttemptsMax && IsLost(exception))
            {
                await Task.Delay(Random.Shared.Next(1, 5 * attempt), cancellationToken);
            }
            catch (Exception exception) when (IsLost(exception))
            {
                return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
            }
        }
    }

    private static async Task<IResult> TryAsync(
        PlainDbContext context, UsageRequest request, CancellationToken cancellationToken)
    {
        await using var transaction = await context.Database.BeginTransactionAsync(
            IsolationLevel.Serializable, cancellationToken);
        var budget = await context.Budgets.SingleAsync(b => b.UserId == request.UserId, cancellationToken);
        if (budget.BalanceCents <= 0)
            return Results.StatusCode(StatusCodes.Status402PaymentRequired);
        var (now, cents, id) =
            (TimeProvider.System.GetUtcNow().UtcDateTime, request.AmountCents!.Value, Guid.CreateVersion7());
        budget.BalanceCents -= cents;
        budget.TotalSpentCents += cents;
        budget.DebitsCents += cents;
        budget.EntryCount++;
        budget.UpdatedAt = now;
        var usage = ToUsage(request, id, budget.BalanceCents, now);
        context.Add(usage);
        context.Add(new PlainHistory
        {
            UserId = budget.UserId,
            AmountCents = -cents,
            BalanceAfter = budget.BalanceCents,
            CreatedAt = now,
        });
        // A key that was used before breaks the unique constraint here. Reading it first would make many serializable
        // transactions fail.
        await context.SaveChangesAsync(cancellationToken);
        // EF would send each tracked entry in its own statement. The commit then has to look up the entries of such a
        // transaction, and so conflicts with other transactions.
        await context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO ledger_entries
                (transaction_id, account, debit_cents, credit_cents, reference_type, reference_id, created_at)
            VALUES ({id}, {ChartOfAccounts.User(budget.UserId)}, {cents}, 0, 'llm_call', {request.RequestId}, {now}),
                   ({id}, {ChartOfAccounts.ApiExpense}, 0, {cents}, 'llm_call', {request.RequestId}, {now})
            """,
            cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        return Results.Json(
            ToAnswer(usage), LedgerJson.Default.RecordedUsage, statusCode: StatusCodes.Status201Created);
    }

    private static PlainUsage ToUsage(
        UsageRequest request, Guid transactionId, decimal balanceCents, DateTime now) => new()
        {
            Id = Guid.CreateVersion7(),
            UserId = request.UserId!,
            RequestId = request.RequestId!,
            Model = request.Model,
            PromptTokens = (int?)request.PromptTokens,
            CompletionTokens = (int?)request.CompletionTokens,
            UserPriceCents = request.AmountCents!.Value,
            OccurredAt = now,
            CreatedAt = now,
            TransactionId = transactionId,
            BalanceAfterCents = balanceCents,
            RequestHash = RequestHash.Of(
            request.AmountCents, request.Model, request.PromptTokens, request.CompletionTokens).Value,
        };

    private static RecordedUsage ToAnswer(PlainUsage usage) => new()
    {
        UsageId = usage.Id,
        RequestId = usage.RequestId,
        UserId = usage.UserId,
        AmountCents = usage.UserPriceCents,
        BillingStatus = usage.BillingStatus,
        TransactionId = usage.TransactionId,
        BalanceCents = usage.BalanceAfterCents,
        OccurredAt = usage.OccurredAt,
        CreatedAt = usage.CreatedAt,
    };

    private static bool IsLost(Exception exception) => exception switch
    {
        PostgresException
        {
            SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
        } => true,
        { InnerException: { } inner } => IsLost(inner),
        _ => false,
    };
}
