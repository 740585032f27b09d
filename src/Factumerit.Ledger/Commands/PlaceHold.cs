using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// Sets credit aside for calls that are about to be made, by amount or by model and tokens (R21, R22). Nothing is
/// posted. The caller's own id may stand in for the idempotency key: while the hold is open, the same id is the same
/// request (R9).
/// </summary>
/// <param name="request">The request.</param>
/// <param name="idempotencyKey">The Idempotency-Key header; may be null if the request has an external id.</param>
/// <param name="pricer">The prices to use (R18).</param>
public sealed class PlaceHold(HoldRequest request, string? idempotencyKey, Pricer pricer)
    : KeyedCommand<HoldAnswer>(Operation, idempotencyKey, LedgerJson.Default.HoldAnswer)
{
    public const string Operation = "hold";
    public const int SecondsMin = 10;
    public const int SecondsMax = 86_400;
    private const int SecondsStandard = 600;

    private Guid _id;

    // The key is new if it can be saved, and so is the external id.
    public override bool IsProvenBySaving => true;

    internal override void Declare(Needs needs)
    {
        if (IdempotencyKey is not null)
            base.Declare(needs);
        needs.User(request.UserId);
        if (request.ExternalId is not null)
            needs.OpenHold(request.UserId!, request.ExternalId);
    }

    protected override RequestHash Hash => RequestHash.Of(
        request.UserId, request.AmountCents, request.Model, request.PromptTokens, request.MaxCompletionTokens,
        request.ExpiresInSeconds, request.Partial is true ? "partial" : null, request.ExternalId, request.Description,
        request.Metadata?.GetRawText());

    public override void Validate(FieldErrors errors)
    {
        if (IdempotencyKey is not null)
            base.Validate(errors);
        errors.CheckUserId("user_id", request.UserId);
        if (IdempotencyKey is null || request.ExternalId is not null)
            errors.CheckKey(
                "external_id", request.ExternalId,
                "is required without an Idempotency-Key header, "
                + "so that a repeated request sets credit aside only once");
        CheckEstimate(errors);
        errors.CheckName("model", request.Model);
        CheckSeconds(errors, request.ExpiresInSeconds);
        errors.CheckText("description", request.Description);
        errors.CheckMetadata("metadata", request.Metadata);
    }

    /// <summary>How long a hold lasts.</summary>
    internal static void CheckSeconds(FieldErrors errors, long? seconds)
    {
        if (seconds is < SecondsMin or > SecondsMax)
            errors.Add("expires_in_seconds", $"must be a whole number from {SecondsMin} to {SecondsMax}");
    }

    private void CheckEstimate(FieldErrors errors)
    {
        if (request.AmountCents is not null)
        {
            errors.CheckAmount("amount_cents", request.AmountCents, zeroAllowed: false);
            if (request.PromptTokens is not null)
                errors.Add("prompt_tokens", "can't be given together with amount_cents");
            if (request.MaxCompletionTokens is not null)
                errors.Add("max_completion_tokens", "can't be given together with amount_cents");
            return;
        }
        errors.CheckTokens("prompt_tokens", request.PromptTokens);
        errors.CheckTokens("max_completion_tokens", request.MaxCompletionTokens);
        if (request.Model is null || !Tokens.Any)
            errors.Add("amount_cents", "is required, or model with prompt_tokens and max_completion_tokens");
    }

    private TokenCounts Tokens => new(request.PromptTokens, request.MaxCompletionTokens);

    protected override IdempotencyKeyRow? FindFirst(WorkingSet state)
    {
        if (IdempotencyKey is not null && base.FindFirst(state) is { } first)
            return first;
        return request.ExternalId is { } externalId
            && state.Holds.FindOpen(request.UserId!, externalId) is { } open
                ? state.FindAnswer(Operation, open.AnswerKey)
                : null;
    }

    protected override string NewKey => IdempotencyKey ?? $"hold:{_id}";

    protected override string NamedKey => IdempotencyKey ?? request.ExternalId!;

    protected override Outcome<HoldAnswer> DecideNewRequest(WorkingSet state)
    {
        var userId = request.UserId!;
        var user = state.FindUser(userId);
        if (user is { IsDeleted: true })
            return new Refusal.UserDeleted(userId); // R11
        var (requestedCents, unpriced) = Estimate(state.Now);
        if (unpriced is not null)
            return unpriced;
        var availableCents = user?.AvailableCents ?? 0; // R6
        if (user is null || availableCents <= 0 || (availableCents < requestedCents && request.Partial is not true))
            return new Refusal.InsufficientCredit(userId, user?.BalanceCents, availableCents, requestedCents); // R21

        _id = UuidV7.Next(state.Now);
        var hold = new Hold
        {
            Id = _id,
            UserId = userId,
            State = Hold.Open,
            RequestedCents = requestedCents,
            HeldCents = Math.Min(requestedCents, availableCents),
            IsPartial = availableCents < requestedCents,
            Model = request.Model,
            ExternalId = request.ExternalId,
            Description = request.Description,
            Metadata = request.Metadata?.GetRawText(),
            AnswerKey = NewKey,
            ExpiresAt = state.Now.AddSeconds(request.ExpiresInSeconds ?? SecondsStandard),
            CreatedAt = state.Now,
            PostedBy = By.Id,
        };
        state.Holds.Place(hold, user);
        return hold.ToAnswer(user.BalanceCents, user.AvailableCents);
    }

    private (decimal Cents, Refusal? Refusal) Estimate(DateTimeOffset now)
    {
        if (request.AmountCents is { } amountCents)
            return (amountCents, null);
        var call = pricer.Price(request.Model, null, null, Tokens, null, now, now);
        if (call.Refusal is { } refusal)
            return (0, refusal);
        return call.PriceCents is { } cents
            ? (cents, null)
            : (0, new Refusal.NotPriceable(
                $"The price book gives no price of {request.Model} for these tokens.",
                "Send amount_cents, or import prices first."));
    }
}
