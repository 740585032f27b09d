using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Factumerit.Ledger.Api.Endpoints;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.LiteLlm;
using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// All JSON of requests and responses: snake_case, exact amounts, UTC times. A type that is missing here fails to
/// compile at its endpoint.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    Converters = [typeof(AmountConverter), typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(SignupRequest))]
[JsonSerializable(typeof(UsageRequest))]
[JsonSerializable(typeof(UsageRequest[]))]
[JsonSerializable(typeof(GrantRequest))]
[JsonSerializable(typeof(PurchaseRequest))]
[JsonSerializable(typeof(WriteDownRequest))]
[JsonSerializable(typeof(ApiKeyRequest))]
[JsonSerializable(typeof(BillRequest))]
[JsonSerializable(typeof(WaiveRequest))]
[JsonSerializable(typeof(RepriceRequest))]
[JsonSerializable(typeof(Budget))]
[JsonSerializable(typeof(RecordedUsage))]
[JsonSerializable(typeof(BatchAnswer))]
[JsonSerializable(typeof(GrantReceipt))]
[JsonSerializable(typeof(PurchaseReceipt))]
[JsonSerializable(typeof(WriteDownReceipt))]
[JsonSerializable(typeof(Deletion))]
[JsonSerializable(typeof(BudgetPage))]
[JsonSerializable(typeof(EntryPage))]
[JsonSerializable(typeof(BudgetTransactionPage))]
[JsonSerializable(typeof(TransactionDetail))]
[JsonSerializable(typeof(UsageDetail))]
[JsonSerializable(typeof(UsagePage))]
[JsonSerializable(typeof(Repricing))]
[JsonSerializable(typeof(AccountPage))]
[JsonSerializable(typeof(LedgerSummary))]
[JsonSerializable(typeof(Headroom))]
[JsonSerializable(typeof(IntegrityReport))]
[JsonSerializable(typeof(FaultPage))]
[JsonSerializable(typeof(KeptFault))]
[JsonSerializable(typeof(ResolveRequest))]
[JsonSerializable(typeof(IntakeAnswer))]
[JsonSerializable(typeof(ReconcileRequest))]
[JsonSerializable(typeof(Reconciliation))]
[JsonSerializable(typeof(MarginReport))]
[JsonSerializable(typeof(PriceImport))]
[JsonSerializable(typeof(PriceCancellation))]
[JsonSerializable(typeof(PricePage))]
[JsonSerializable(typeof(PriceHistory))]
[JsonSerializable(typeof(VirtualKeyRequest))]
[JsonSerializable(typeof(VirtualKeyAnswer))]
[JsonSerializable(typeof(VirtualKeyPage))]
[JsonSerializable(typeof(ApiKeyAnswer))]
[JsonSerializable(typeof(ApiKeyList))]
[JsonSerializable(typeof(RotationRequest))]
[JsonSerializable(typeof(AuditPage))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(ProblemKind))]
[JsonSerializable(typeof(HealthAnswer))]
public sealed partial class LedgerJson : JsonSerializerContext;

/// <summary>
/// Amounts: reads a number, or a string that holds a number, exactly or not at all. Writes no trailing zeros.
/// </summary>
public sealed class AmountConverter : JsonConverter<decimal>
{
    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var reading = reader.TokenType switch
        {
            JsonTokenType.Number => Money.Read(Encoding.ASCII.GetString(
                reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan)),
            JsonTokenType.String => Money.Read(reader.GetString()),
            _ => null,
        };
        return reading switch
        {
            { Cents: { } cents } => cents,
            { Error: { } error } => throw new JsonException(error),
            _ => throw new JsonException("must be a number of cents, such as 0.0165"),
        };
    }

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(Money.Normalize(value));
}

/// <summary>
/// Times: reads them as <see cref="LedgerTime"/> does. Writes UTC with a Z, to the microsecond: with no decimals or
/// six, which parsers agree on.
/// </summary>
public sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    private const int SecondsLength = 19;
    private const int MicrosecondsLength = 26;

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        (reader.TokenType == JsonTokenType.String ? LedgerTime.Parse(reader.GetString()) : null)
        ?? throw new JsonException(LedgerTime.Expected);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        // The round-trip format has seven decimals. Cut off the decimals that are not written.
        Span<byte> text = stackalloc byte[32];
        value.UtcDateTime.TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        var length = value.Ticks % TimeSpan.TicksPerSecond == 0 ? SecondsLength : MicrosecondsLength;
        text[length] = (byte)'Z';
        writer.WriteStringValue(text[..(length + 1)]);
    }
}
