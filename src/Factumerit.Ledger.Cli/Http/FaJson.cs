using System.Text.Json.Serialization;
using Factumerit.Ledger.Cli.Import;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>The JSON of fa's own output.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<RefusalGroup>))]
internal sealed partial class FaJson : JsonSerializerContext;
