using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>An error response: RFC 9457 problem details with a stable code.</summary>
public sealed record Problem
{
    /// <summary>
    /// Where the code is explained: /problems/{code}, below the path under which the service is reached.
    /// </summary>
    public required string Type { get; init; }

    /// <summary>The code in words.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What happened, and what to do.</summary>
    public required string Detail { get; init; }

    /// <summary>The stable code, which never changes. Programs should use it.</summary>
    public required string Code { get; init; }

    /// <summary>Finds this request in the service's log.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TraceId { get; init; }

    /// <summary>With validation-failed: the errors, by the name of the field as sent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    /// <summary>
    /// With validation-failed: how many errors were found beside those in errors; left out if there are none.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MoreErrors { get; init; }

    /// <summary>With insufficient-credit: the balance, in cents.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? BalanceCents { get; init; }

    /// <summary>
    /// With insufficient-credit: the balance less what open holds set aside; with insufficient-anthropic-credits: the
    /// headroom; with insufficient-provider-credit: what the provider's account holds; in cents.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? AvailableCents { get; init; }

    /// <summary>
    /// With insufficient-anthropic-credits and insufficient-provider-credit, and with insufficient-credit of a hold:
    /// the requested amount, in cents.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? RequestedCents { get; init; }

    /// <summary>With hold-closed: the state of the hold.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? State { get; init; }
}

/// <summary>A kind of problem: its stable code, its HTTP status, its title, and what a caller should do.</summary>
public sealed record ProblemKind(string Code, int Status, string Title, string WhatToDo);
