using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Database;

/// <summary>The verbs of the business for tests to which it does not matter whose request it is.</summary>
internal static class ServiceVerbs
{
    public static Task<Outcome<Registration>> SignUpAsync(
        this BudgetService budgets, SignupRequest request, CancellationToken cancellationToken) =>
        budgets.SignUpAsync(request, Actor.Service, cancellationToken);

    public static Task<Outcome<RecordedUsage>> RecordUsageAsync(
        this BudgetService budgets, UsageRequest request, CancellationToken cancellationToken) =>
        budgets.RecordUsageAsync(request, Actor.Service, cancellationToken);

    public static Task<IReadOnlyList<Outcome<RecordedUsage>>> RecordUsagesAsync(
        this BudgetService budgets, IReadOnlyList<UsageRequest> requests, CancellationToken cancellationToken) =>
        budgets.RecordUsagesAsync(requests, Actor.Service, cancellationToken);

    public static Task<IReadOnlyList<Outcome<RecordedUsage>>> TakeInAsync(
        this BudgetService budgets, IReadOnlyList<ReportedCall> calls, CancellationToken cancellationToken) =>
        budgets.TakeInAsync(calls, Actor.Service, cancellationToken);

    public static Task<Outcome<GrantReceipt>> GrantAsync(
        this BudgetService budgets, GrantRequest request, string admin, string? key,
        CancellationToken cancellationToken) =>
        budgets.GrantAsync(request, Actor.Service with { Name = admin }, key, cancellationToken);

    public static Task<Outcome<PurchaseReceipt>> PurchaseAsync(
        this BudgetService budgets, PurchaseRequest request, string? key, CancellationToken cancellationToken) =>
        budgets.PurchaseAsync(request, Actor.Service, key, cancellationToken);

    public static Task<Outcome<WriteDownReceipt>> WriteDownAsync(
        this BudgetService budgets, WriteDownRequest request, string? key, CancellationToken cancellationToken) =>
        budgets.WriteDownAsync(request, Actor.Service, key, cancellationToken);

    public static Task<Outcome<Deletion>> DeleteUserAsync(
        this BudgetService budgets, string userId, CancellationToken cancellationToken) =>
        budgets.DeleteUserAsync(userId, Actor.Service, cancellationToken);
}
