using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// All JSON of requests and answers: snake_case, exact amounts, UTC times. A type that is missing here fails to compile
/// where it is used.
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
[JsonSerializable(typeof(HoldRequest))]
[JsonSerializable(typeof(HoldIncreaseRequest))]
[JsonSerializable(typeof(HoldReleaseRequest))]
[JsonSerializable(typeof(HoldAnswer))]
[JsonSerializable(typeof(HoldPage))]
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
[JsonSerializable(typeof(LedgerEntry))]
[JsonSerializable(typeof(BudgetTransaction))]
[JsonSerializable(typeof(AccountBalance))]
[JsonSerializable(typeof(AuditEntry))]
[JsonSerializable(typeof(ModelPrice))]
[JsonSerializable(typeof(MarginLine))]
[JsonSerializable(typeof(JsonElement))]
public sealed partial class LedgerJson : JsonSerializerContext
{
    /// <summary>
    /// How answers are written: readable, without the escapes that only JSON inside HTML needs (<c>\u0027</c>).
    /// </summary>
    public static readonly JsonWriterOptions Written =
        new() { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The JSON of an answer as it is sent.</summary>
    public static string ToText<T>(T answer, JsonTypeInfo<T> type)
    {
        var text = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(text, Written))
            JsonSerializer.Serialize(writer, answer, type);
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <summary>
    /// The JSON of a type for the side of the client. It writes only the fields that are set. It ignores fields that a
    /// newer service has added to its answers, takes the default for fields that an older one doesn't have yet, except
    /// the first of each type, and reads every decimal exactly, also as a string.
    /// </summary>
    public static JsonTypeInfo<T> LenientOf<T>() => (JsonTypeInfo<T>)Lenient.Options.GetTypeInfo(typeof(T));

    private static JsonSerializerOptions MakeLenient()
    {
        var options = new JsonSerializerOptions(Default.Options)
        {
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
            NumberHandling = JsonNumberHandling.AllowReadingFromString,
            TypeInfoResolver = Default.WithAddedModifier(RequireFirstField),
        };
        options.Converters.Insert(0, new ExactDecimalConverter());
        options.MakeReadOnly();
        return options;
    }

    // Without any required field, every JSON object would be taken for every answer.
    private static void RequireFirstField(JsonTypeInfo type)
    {
        if (type.Kind != JsonTypeInfoKind.Object)
            return;
        foreach (var (index, field) in type.Properties.Index())
            field.IsRequired = index == 0 && type.Type != typeof(Problem)
                && !type.Type.Name.EndsWith("Request", StringComparison.Ordinal);
    }

    // A class of its own, because it is made of Default, whose place among the static fields is not known.
    private static class Lenient
    {
        public static readonly JsonSerializerOptions Options = MakeLenient();
    }
}
