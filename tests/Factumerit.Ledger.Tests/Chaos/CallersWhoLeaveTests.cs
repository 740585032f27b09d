using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// Clients that disconnect in the middle of a request again and again, as gateways with short timeouts do.
/// </summary>
public sealed class CallersWhoLeaveTests(BadDay day) : IClassFixture<BadDay>
{
    private const int Leaving = 8;
    private const int LeftEach = 250;

    // Nobody would wait for so long for anything but callers who left: alone, these take milliseconds.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task Whoever_leaves_while_the_database_answers_holds_nobody_else_up()
    {
        var service = await day.StartAsync();
        var user = await day.UserAsync();
        using var enough = new CancellationTokenSource();
        var staying = Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StayAsync(service.Url, user, enough.Token)));

        await Task.WhenAll(
            Enumerable.Range(0, Leaving).Select(sender => LeaveAsync(service.Url, $"/users/{user}", sender)));

        await enough.CancelAsync();
        (await staying).ShouldAllBe(answered => answered > 0);
        await service.EndAsync();
        service.Log.ShouldNotContain(" ERR ");
    }

    // Reads and uses in turn; an answer that takes too long is an exception.
    private async Task<int> StayAsync(Uri url, string user, CancellationToken enough)
    {
        var answered = 0;
        for (; !enough.IsCancellationRequested; answered++)
        {
            (await day.Sender.GetAsync(url, $"/users/{user}").WaitAsync(Patience, CancellationToken.None)).Expect(200);
            (await day.Sender.SendAsync(url, LoadSender.Usages(user, 1)[0]).WaitAsync(Patience, CancellationToken.None))
                .IsAcknowledged.ShouldBeTrue();
        }
        return answered;
    }

    private static async Task LeaveAsync(Uri url, string path, int seed)
    {
        var random = new Random(seed);
        var request = Encoding.ASCII.GetBytes(
            $"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ServiceProcess.AdminKey}\r\n\r\n");
        for (var i = 0; i < LeftEach; i++)
        {
            using var client = new TcpClient { LingerState = new LingerOption(true, 0) };
            await client.ConnectAsync(IPAddress.Loopback, url.Port);
            await client.GetStream().WriteAsync(request);
            // Somewhere on the way: before the query, during it, or after it.
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(4)));
        }
    }
}
