using System.Net;
using System.Net.Sockets;

namespace Factumerit.Ledger.Tests.Client;

/// <summary>
/// A way to a service that loses answers: the service carries the request out, and the connection ends with the first
/// bytes of its answer.
/// </summary>
internal sealed class AnswerCutter : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Uri _service;
    private readonly Task _accepting;
    private int _left;

    public AnswerCutter(Uri service)
    {
        _service = service;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>How many answers were lost.</summary>
    public int Lost { get; private set; }

    /// <summary>Loses the next answers.</summary>
    public void Lose(int answers) => _left = answers;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = RelayAsync(await _listener.AcceptTcpClientAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using var toService = new TcpClient();
        using (client)
            try
            {
                await toService.ConnectAsync(_service.Host, _service.Port, _stopping.Token);
                var sent = client.GetStream().CopyToAsync(toService.GetStream(), _stopping.Token);
                await Task.WhenAny(sent, AnswerAsync(toService.GetStream(), client.GetStream()));
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException)
            {
                // One of the two is gone, or the test is over.
            }
    }

    private async Task AnswerAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReadAsync(buffer, _stopping.Token) is > 0 and var count)
        {
            if (_left > 0)
            {
                _left--;
                Lost++;
                return;
            }
            await to.WriteAsync(buffer.AsMemory(0, count), _stopping.Token);
        }
    }
}
