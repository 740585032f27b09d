using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Queries;

using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger;

/// <summary>
/// The review of usages without a price (R16): bills or waives a single usage, or bills all that can be priced by now.
/// Each decision goes through the writer. The answer shows the usage as stored after the decision.
/// </summary>
public sealed class ReviewService(BudgetService budgets, UsageQueries reviews, UserQueries users, CurrentPrices prices)
{
    // Small enough that a commit does not delay the calls of other users.
    private const int BatchSize = 250;

    /// <summary>Charges the price of a usage to its user.</summary>
    public Task<Outcome<UsageDetail>> BillAsync(
        Guid usageId, BillRequest request, Actor by, string? idempotencyKey, CancellationToken cancellationToken) =>
        DecideAsync(
            usageId, usage => new BillUsage(request, usage, idempotencyKey, prices.Pricer), by, cancellationToken);

    /// <summary>Ends the review of a usage without charging anybody.</summary>
    public Task<Outcome<UsageDetail>> WaiveAsync(
        Guid usageId, WaiveRequest request, Actor by, string? idempotencyKey, CancellationToken cancellationToken) =>
        DecideAsync(usageId, usage => new WaiveUsage(request, usage, idempotencyKey), by, cancellationToken);

    /// <summary>
    /// Bills every waiting usage that has a user and can be priced by now, oldest first. Each usage is decided on its
    /// own: repeated or concurrent runs bill nothing twice, and an interrupted run keeps what it billed.
    /// </summary>
    public async Task<Outcome<Repricing>> RepriceAsync(
        RepriceRequest request, Actor by, CancellationToken cancellationToken)
    {
        if (FindWrong(request) is { } wrong)
            return wrong;
        var filter = new UsageFilter(BillingStatuses.NeedsReview, request.UserId, request.Model);
        var (billed, amountCents) = (0L, 0m);
        UsageRow? last = null;
        while (true)
        {
            var waiting = await reviews.ListBillableAsync(filter, BatchSize, last, cancellationToken);
            if (waiting.Count == 0)
                return new Repricing(billed, await reviews.CountAsync(filter, cancellationToken), amountCents);
            last = waiting[^1];
            foreach (var outcome in await BillPriceableAsync(waiting, by, cancellationToken))
            {
                // The remaining usages keep waiting until the next run.
                if (outcome.Refusal is Refusal.Unavailable unavailable)
                    return unavailable;
                if (outcome is not { Answer.UserPriceCents: { } cents, Replayed: false })
                    continue;
                billed++;
                amountCents += cents;
            }
        }
    }

    private async Task<IReadOnlyList<Outcome<UsageRow>>> BillPriceableAsync(
        IReadOnlyList<UsageRow> waiting, Actor by, CancellationToken cancellationToken)
    {
        var (pricer, now) = (prices.Pricer, budgets.Now);
        var bills = waiting
            .Where(usage =>
                !ReviewReasons.IsForPeople(usage.ReviewReason) && usage.Price(pricer, now).PriceCents is not null)
            .Select(usage => new BillUsage(new BillRequest(), usage, null, pricer, isRepricing: true));
        return await budgets.RunManyAsync([.. bills], by, cancellationToken);
    }

    private async Task<Outcome<UsageDetail>> DecideAsync(
        Guid usageId, Func<UsageRow, ReviewCommand> decide, Actor by, CancellationToken cancellationToken)
    {
        if (await reviews.FindAsync(usageId, cancellationToken) is not { } usage)
            return new Refusal.NotFound($"usage {usageId}");
        var outcome = await budgets.RunAsync(decide(usage), by, cancellationToken);
        if (outcome.Refusal is { } refusal)
            return refusal;
        return new Outcome<UsageDetail>(await users.FindUsageAsync(usageId, cancellationToken), null, outcome.Replayed);
    }

    private Refusal? FindWrong(RepriceRequest request)
    {
        var errors = new FieldErrors(budgets.Now);
        errors.CheckName("model", request.Model);
        if (request.UserId is not null)
            errors.CheckUserId("user_id", request.UserId);
        return errors.Any ? errors.ToRefusal() : null;
    }
}
