using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// Clients that send the most expensive bodies they can. The service's memory stays bounded, and other clients are
/// served.
/// </summary>
public sealed class HostileClientsTests
{
    private const int MiB = 1024 * 1024;
    private const int Clients = 64;

    [Fact]
    public async Task The_most_expensive_bodies_take_little_memory_and_hold_nobody_up()
    {
        var database = new TestDatabase();
        await database.InitializeAsync();
        await using (var service = await ServiceProcess.StartAsync(Path.GetTempPath(), database.ConnectionString))
        {
            using var client = new HttpClient { BaseAddress = service.Url, Timeout = TimeSpan.FromSeconds(30) };
            client.DefaultRequestHeaders.Authorization = new("Bearer", ServiceProcess.AdminKey);
            for (var n = 0; n < 200; n++)
                await RecordAsync(client, $"warm {n}");
            var before = MemoryMiB(service.Id);

            var key = await MakeKeyAsync(client);
            byte[][] bodies = [.. Bodies().Select(Encoding.ASCII.GetBytes)];
            var attack = Enumerable.Range(0, Clients)
                .Select(n => AttackAsync(service.Url, key, bodies[n % bodies.Length])).ToList();
            var (peak, served) = (before, 0);
            while (!attack.All(a => a.IsCompleted))
            {
                await RecordAsync(client, $"honest {served++}");
                peak = Math.Max(peak, MemoryMiB(service.Id));
            }
            await Task.WhenAll(attack);

            served.ShouldBeGreaterThan(0);
            // Without limits it takes gigabytes; with them 110 to 150 on an idle machine.
            (peak - before).ShouldBeLessThan(250, $"MiB, from {before}");
        }
        await database.DisposeAsync();
    }

    private static IEnumerable<string> Bodies()
    {
        yield return Array("{}", 4 * MiB);
        yield return Array("0", 4 * MiB);
        yield return new string('[', 4 * MiB);
        yield return Array($"{{{string.Join(',', Enumerable.Range(0, 50).Select(n => $"\"f{n}\":1"))}}}", 352_000);
        yield return $$"""[{"{{new string('<', (4 * MiB) - 20)}}":1}]""";
        yield return "["
            + string.Join(
                ',',
                Enumerable.Range(0, 1000).Select(n => $$"""{"user_id":"u","amount_cents":0,"request_id":"{{n}}"}"""))
            + "]";
        yield return Array("{\"user_id\":\"u\",\"amount_cents\":0,\"request_id\":\"r\",\"metadata\":{\"a\":"
            + Array("0", 16_000) + "}}", 4 * MiB);
    }

    // Twice, each time on a connection of its own. What it is answered does not matter.
    private static async Task AttackAsync(Uri url, string key, byte[] body)
    {
        var head = Encoding.ASCII.GetBytes(
            $"POST /usage/batch HTTP/1.1\r\nHost: ledger\r\nAuthorization: Bearer {key}\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n");
        for (var round = 0; round < 2; round++)
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(url.Host, url.Port);
                await client.GetStream().WriteAsync(head);
                await client.GetStream().WriteAsync(body);
                await client.GetStream().CopyToAsync(Stream.Null);
            }
            catch (IOException)
            {
            }
    }

    private static async Task<string> MakeKeyAsync(HttpClient client)
    {
        using var body = new StringContent(
            """{"name":"hostile","role":"bot","may_overdraw":true}""", Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(new Uri("/api-keys", UriKind.Relative), body);
        using var made = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return made.RootElement.GetProperty("secret").GetString()!;
    }

    private static async Task RecordAsync(HttpClient client, string id)
    {
        using var body = new StringContent(
            $$"""{"user_id":"honest","amount_cents":0,"request_id":"{{id}}"}""", Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(new Uri("/usage", UriKind.Relative), body);
        ((int)answer.StatusCode).ShouldBe(201);
    }

    private static string Array(string item, int bytes) =>
        $"[{string.Join(',', Enumerable.Repeat(item, bytes / (item.Length + 1)))}]";

    private static int MemoryMiB(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status")
            .First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return int.Parse(
            line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
