using System.Net;
using System.Net.Http.Json;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>Grants credit to every user through the API, once a run; scenarios copy the database.</summary>
internal static class Seeding
{
    public static async Task RunAsync(Lab lab, string database, CancellationToken cancellationToken)
    {
        var connectionString = await lab.Server.CreateDatabaseAsync(database, null, cancellationToken);
        await using (var service = await ServiceProcess.StartAsync(
            lab.Root, connectionString, lab.AdminKey, cancellationToken))
        {
            using var client = new HttpClient { BaseAddress = new Uri(service.Url) };
            client.DefaultRequestHeaders.Authorization = new("Bearer", lab.AdminKey);
            var options = new ParallelOptions { MaxDegreeOfParallelism = 256, CancellationToken = cancellationToken };
            await Parallel.ForAsync(
                0, Calls.Users, options, async (number, stop) => await GrantAsync(client, Calls.User(number), stop));
            await service.StopAsync();
        }
        await lab.Server.ExecuteAsync(database, "VACUUM ANALYZE", cancellationToken);
    }

    private static async Task GrantAsync(HttpClient client, string user, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/grants")
        {
            Content = JsonContent.Create(
                new Dictionary<string, object> { ["user_id"] = user, ["amount_cents"] = Calls.GrantCents }),
            Headers = { { "Idempotency-Key", $"seed-{user}" } },
        };
        using var answer = await client.SendAsync(request, cancellationToken);
        if (answer.StatusCode != HttpStatusCode.Created)
            throw new InvalidOperationException($"A grant was answered {(int)answer.StatusCode}: "
                + $"{await answer.Content.ReadAsStringAsync(cancellationToken)}");
    }
}
