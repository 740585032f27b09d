using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Factumerit.Ledger.FakeLiteLlm;

/// <summary>A virtual key as LiteLLM keeps it: the hash and not the secret.</summary>
public sealed class FakeKey
{
    public required string Token { get; init; }
    public required string KeyName { get; init; }
    public required JsonObject Fields { get; init; }
    public bool IsBlocked { get; set; }

    public string? Alias => Text("key_alias");
    public string? UserId => Text("user_id");

    /// <summary>A key's secret stands for its hash wherever LiteLLM takes either.</summary>
    public static string HashOf(string keyOrHash) =>
        keyOrHash.StartsWith("sk-", StringComparison.Ordinal)
            ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(keyOrHash)))
            : keyOrHash;

    /// <summary>As /key/info and /key/block show it.</summary>
    public JsonObject ToJson()
    {
        var json = (JsonObject)Fields.DeepClone();
        json["token"] = Token;
        json["key_name"] = KeyName;
        json["spend"] ??= 0.0m;
        // Nobody has said anything about it until it was blocked once.
        json["blocked"] = IsBlocked ? true : _wasBlocked ? false : null;
        return json;
    }

    private bool _wasBlocked;

    public void Block(bool isBlocked)
    {
        IsBlocked = isBlocked;
        _wasBlocked = true;
    }

    private string? Text(string field) => Fields[field]?.GetValue<string>();
}
