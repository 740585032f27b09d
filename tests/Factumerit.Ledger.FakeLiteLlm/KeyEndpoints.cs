using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Factumerit.Ledger.FakeLiteLlm;

/// <summary>
/// LiteLLM's /key endpoints: the secret is answered once, an alias is given once, and a key is named by its secret or
/// its hash.
/// </summary>
internal static class KeyEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, FakeProxy fake)
    {
        routes.MapPost("/key/generate", (JsonObject body) => Generate(fake, body));
        routes.MapPost("/key/update", (JsonObject body) => Update(fake, body));
        routes.MapPost("/key/delete", (JsonObject body) => Delete(fake, body));
        routes.MapGet("/key/info", (string? key) => Info(fake, key));
        routes.MapPost("/key/block", (JsonObject body) => Block(fake, body, true));
        routes.MapPost("/key/unblock", (JsonObject body) => Block(fake, body, false));
    }

    private static IResult Generate(FakeProxy fake, JsonObject body)
    {
        var secret = Text(body, "key")
            ?? "sk-" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(16))
                .Replace('+', '-').Replace('/', '_').TrimEnd('=');
        body.Remove("key");
        lock (fake.Keys)
        {
            if (AliasIsTaken(fake, Text(body, "key_alias"), null))
                return AliasTaken(body);
            var fields = (JsonObject)body.DeepClone();
            fields["expires"] = Expires(Text(body, "duration"));
            fields.Remove("duration");
            var key = new FakeKey
            {
                Token = FakeKey.HashOf(secret),
                KeyName = $"sk-...{secret[^4..]}",
                Fields = fields,
            };
            key.IsBlocked = body["blocked"]?.GetValue<bool>() ?? false;
            fake.Keys.Add(key.Token, key);
            var answer = key.ToJson();
            answer["key"] = secret;
            answer["token_id"] = key.Token;
            answer["litellm_budget_table"] = null;
            answer["created_by"] = "default_user_id";
            answer["updated_by"] = "default_user_id";
            answer["created_at"] = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture);
            return Results.Json(answer);
        }
    }

    private static IResult Update(FakeProxy fake, JsonObject body)
    {
        lock (fake.Keys)
        {
            if (fake.Find(Text(body, "key")) is not { } key)
                return NotFound(Text(body, "key"));
            if (AliasIsTaken(fake, Text(body, "key_alias"), key))
                return AliasTaken(body);
            foreach (var (name, value) in body.Where(f => f.Key != "key" && f.Value is not null))
                key.Fields[name] = value!.DeepClone();
            if (body["blocked"]?.GetValue<bool>() is { } isBlocked)
                key.Block(isBlocked);
            var answer = key.ToJson();
            answer["key"] = key.Token;
            return Results.Json(answer);
        }
    }

    private static IResult Delete(FakeProxy fake, JsonObject body)
    {
        lock (fake.Keys)
        {
            var found = Texts(body, "keys").Select(k => fake.Find(k))
                .Concat(Texts(body, "key_aliases").Select(fake.FindByAlias)).OfType<FakeKey>().ToList();
            if (found.Count == 0)
                return FakeProxy.Refuse(404, "{'error': 'No keys found'}", "not_found_error");
            foreach (var key in found)
                fake.Keys.Remove(key.Token);
            return Results.Json(new JsonObject
            {
                ["deleted_keys"] = body[body.ContainsKey("keys") ? "keys" : "key_aliases"]!.DeepClone(),
            });
        }
    }

    private static IResult Info(FakeProxy fake, string? key)
    {
        // Without a key it tells of the one that asks, which is the master key.
        if (string.IsNullOrEmpty(key))
            return Results.Json(new JsonObject
            {
                ["key"] = FakeKey.HashOf(FakeProxy.MasterKey),
                ["info"] = new JsonObject { ["spend"] = 0.0m },
            });
        return fake.Find(key) is { } found
            ? Results.Json(new JsonObject { ["key"] = key, ["info"] = found.ToJson() })
            : NotFound(key);
    }

    private static IResult Block(FakeProxy fake, JsonObject body, bool isBlocked)
    {
        if (fake.Find(Text(body, "key")) is not { } key)
            return NotFound(Text(body, "key"));
        key.Block(isBlocked);
        return Results.Json(key.ToJson());
    }

    private static IResult NotFound(string? key) =>
        FakeProxy.Refuse(404, $"Key not found. Passed key={key}", "not_found_error", "key");

    private static bool AliasIsTaken(FakeProxy fake, string? alias, FakeKey? by) =>
        alias is not null && fake.FindByAlias(alias) is { } other && other != by;

    private static IResult AliasTaken(JsonObject body) => FakeProxy.Refuse(
        400,
        $"Key with alias '{Text(body, "key_alias")}' already exists. "
        + "Unique key aliases across all keys are required.",
        "bad_request_error",
        "key_alias");

    private static string? Expires(string? duration)
    {
        if (duration is not { Length: > 1 })
            return null;
        var count = int.Parse(duration[..^1], CultureInfo.InvariantCulture);
        var length = duration[^1] switch
        {
            's' => TimeSpan.FromSeconds(count),
            'm' => TimeSpan.FromMinutes(count),
            'h' => TimeSpan.FromHours(count),
            _ => TimeSpan.FromDays(count),
        };
        return (DateTimeOffset.UtcNow + length).ToString("O", CultureInfo.InvariantCulture);
    }

    private static string? Text(JsonObject body, string field) => body[field]?.GetValue<string>();

    private static IEnumerable<string> Texts(JsonObject body, string field) =>
        body[field] is JsonArray texts ? texts.Select(t => t!.GetValue<string>()) : [];
}
