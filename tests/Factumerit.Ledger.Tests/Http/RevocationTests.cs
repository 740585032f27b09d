using Factumerit.Ledger.Tests.Chaos;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>A revocation holds at once in its process, whatever look-ups are in flight, and soon in others.</summary>
public sealed class RevocationTests
{
    private const int KeysMax = 12;
    private const int CallersPerKey = 24;

    [Fact]
    public async Task No_look_up_in_flight_brings_a_revoked_key_back()
    {
        var service = new LedgerService();
        await service.InitializeAsync();
        try
        {
            var survivors = new List<string>();
            for (var number = 0; number < KeysMax; number++)
            {
                var key = (await service.PostAsync("/api-keys", new { name = $"key {number}", role = "admin" }))
                    .Expect(201);
                // None of them is remembered yet: each looks the key up, before, while and after it is revoked.
                var callers = Enumerable.Range(0, CallersPerKey)
                    .Select(_ => service.GetAsync("/users/nobody", key.Text("secret"))).ToList();
                (await service.DeleteAsync($"/api-keys/{key.Text("id")}")).Expect(200);
                await Task.WhenAll(callers);

                var grant = await service.PostAsync(
                    "/grants", new { user_id = "thief", amount_cents = 1 }, $"g{number}", key.Text("secret"));
                if (grant.Status != 401)
                    survivors.Add($"key {number}: {grant.Status}");
            }
            survivors.ShouldBeEmpty();
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public async Task Another_process_refuses_a_revoked_key_soon()
    {
        var database = new Database.TestDatabase();
        await database.InitializeAsync();
        var directory = Directory.CreateTempSubdirectory("factumerit-revocation-");
        try
        {
            await using var one = await Chaos.ServiceProcess.StartAsync(directory.FullName, database.ConnectionString);
            await using var other = await Chaos.ServiceProcess.StartAsync(
                directory.FullName, database.ConnectionString);
            using var admin = new LoadSender(Chaos.ServiceProcess.AdminKey);
            var key = (await admin.PostAsync(one.Url, "/api-keys", new { name = "k", role = "admin" }, null))
                .Expect(201);
            using var client = new HttpClient();
            client.DefaultRequestHeaders.Authorization = new("Bearer", key.Text("secret"));
            var users = new Uri(other.Url, "/users");
            ((int)(await client.GetAsync(users)).StatusCode).ShouldBe(200);

            using var revocation = new HttpRequestMessage(
                HttpMethod.Delete, new Uri(one.Url, $"/api-keys/{key.Text("id")}"));
            revocation.Headers.Authorization = new("Bearer", Chaos.ServiceProcess.AdminKey);
            ((int)(await client.SendAsync(revocation)).StatusCode).ShouldBe(200);
            var began = TimeProvider.System.GetTimestamp();

            // Within a second on a machine that is not overloaded; what is remembered would last for ten.
            while ((int)(await client.GetAsync(users)).StatusCode != 401)
            {
                TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(TimeSpan.FromSeconds(5));
                await Task.Delay(20);
            }
        }
        finally
        {
            directory.Delete(recursive: true);
            await database.DisposeAsync();
        }
    }
}
