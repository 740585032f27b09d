using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>What becomes of a COMMIT at which the proxy cuts.</summary>
public enum Cut
{
    /// <summary>It does not reach the server, which sees the connection end: rolled back.</summary>
    BeforeTheServer,

    /// <summary>The server commits; its answer is lost with the connection.</summary>
    AfterTheServer,

    /// <summary>
    /// The client's connection ends at once. The server gets the COMMIT only after the client has connected again.
    /// </summary>
    LateAtTheServer,

    /// <summary>
    /// The client's connection ends. The server sees neither that nor the COMMIT, as when a machine or the network
    /// dies.
    /// </summary>
    NeverToldTheServer,
}

/// <summary>A way to PostgreSQL that can be cut exactly at a COMMIT, closed altogether, and go silent.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private static readonly byte[] CommitText = "COMMIT\0"u8.ToArray();
    private const int NoCut = -1;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly string _host;
    private readonly int _port;
    private readonly Task _accepting;
    private TaskCompletionSource _clientCame = new();
    private int _cut = NoCut;
    private long _messages;
    private volatile bool _isClosed;
    private volatile bool _closesWithCut;
    private volatile bool _isSilent;

    public CuttingProxy(string connectionString)
    {
        var server = new NpgsqlConnectionStringBuilder(connectionString);
        (_host, _port) = (server.Host!, server.Port);
        _listener.Start();
        ConnectionString = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Host = "127.0.0.1",
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port,
            // What it looks for must be readable.
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString;
        _accepting = AcceptAsync();
    }

    /// <summary>Leads to the same database, through the proxy.</summary>
    public string ConnectionString { get; }

    /// <summary>How often a client has sent something: about once for each query.</summary>
    public long Messages => Interlocked.Read(ref _messages);

    /// <summary>False while the COMMIT at which to cut has not come by.</summary>
    public bool HasCut => Volatile.Read(ref _cut) == NoCut;

    /// <summary>Cuts at the next COMMIT; with <paramref name="andClose"/> nobody gets through from then on.</summary>
    public void CutAtNextCommit(Cut cut, bool andClose = false)
    {
        _closesWithCut = andClose;
        Volatile.Write(ref _cut, (int)cut);
    }

    /// <summary>Lets clients through again.</summary>
    public void Open() => (_isClosed, _isSilent) = (false, false);

    /// <summary>
    /// Carries nothing more, in either direction, and ends nothing: connections are accepted and never answered. Those
    /// of now stay silent for good.
    /// </summary>
    public void GoSilent() => _isSilent = true;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var carrying = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                Interlocked.Exchange(ref _clientCame, new TaskCompletionSource()).SetResult();
                if (_isClosed)
                    client.Dispose();
                else
                    carrying.Add(CarryAsync(client));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(carrying);
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                await server.ConnectAsync(_host, _port, _stopping.Token);
                (client.NoDelay, server.NoDelay) = (true, true);
                using var answersEnd = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
                var answers = CopyAnswersAsync(server, client, answersEnd.Token);
                var commit = await CopyRequestsAsync(client, server);
                await answersEnd.CancelAsync();
                await answers;
                if (commit.Length > 0)
                    await CutAsync(commit, client, server);
            }
            catch (Exception exception) when (IsEnd(exception))
            {
                // One side went away: so does the other.
            }
        }
    }

    /// <summary>Until the client ends, or comes to the COMMIT at which to cut, which is returned.</summary>
    private async Task<byte[]> CopyRequestsAsync(TcpClient client, TcpClient server)
    {
        var buffer = new byte[65536];
        var commitMarks = new List<byte[]> { CommitText };
        int count;
        while ((count = await client.GetStream().ReadAsync(buffer, _stopping.Token)) > 0)
        {
            Interlocked.Increment(ref _messages);
            if (!HasCut && commitMarks.Exists(mark => buffer.AsSpan(0, count).IndexOf(mark) >= 0))
                return buffer[..count];
            await StayWhileSilentAsync(_stopping.Token);
            if (NameOfPreparedCommit(buffer.AsSpan(0, count)) is { } name)
                commitMarks.Add(name);
            await server.GetStream().WriteAsync(buffer.AsMemory(0, count), _stopping.Token);
        }
        return [];
    }

    // A prepared COMMIT is sent by its name only. Parse is 'P', 4 bytes of length, the name and a 0, the text and a 0.
    // Bind has a 0 before the name.
    private static byte[]? NameOfPreparedCommit(ReadOnlySpan<byte> sent)
    {
        if (sent.IndexOf(CommitText) is not (> 1 and var text) || sent[text - 1] != 0)
            return null;
        var name = sent[..(text - 1)];
        name = name[(name.LastIndexOf((byte)0) + 1)..];
        // The last byte of the length is in front of the name.
        return name.Length > 1 ? [0, .. name[1..], 0] : null;
    }

    private async Task CopyAnswersAsync(TcpClient server, TcpClient client, CancellationToken end)
    {
        var buffer = new byte[65536];
        try
        {
            int count;
            while ((count = await server.GetStream().ReadAsync(buffer, end)) > 0)
            {
                await StayWhileSilentAsync(end);
                await client.GetStream().WriteAsync(buffer.AsMemory(0, count), end);
            }
            client.Close();
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            // As above.
        }
    }

    private Task StayWhileSilentAsync(CancellationToken end) =>
        _isSilent ? Task.Delay(Timeout.Infinite, end) : Task.CompletedTask;

    private async Task CutAsync(byte[] commit, TcpClient client, TcpClient server)
    {
        var cut = (Cut)Interlocked.Exchange(ref _cut, NoCut);
        _isClosed = _closesWithCut;
        if (cut is Cut.AfterTheServer)
            await CommitAsync(commit, server);
        var clientComesAgain = Volatile.Read(ref _clientCame).Task;
        client.Close();
        if (cut is Cut.LateAtTheServer)
        {
            await clientComesAgain.WaitAsync(_stopping.Token);
            await CommitAsync(commit, server);
        }
        if (cut is Cut.NeverToldTheServer)
            await Task.Delay(Timeout.Infinite, _stopping.Token);
    }

    private async Task CommitAsync(byte[] commit, TcpClient server)
    {
        await server.GetStream().WriteAsync(commit, _stopping.Token);
        (await server.GetStream().ReadAsync(new byte[1024], _stopping.Token)).ShouldBeGreaterThan(0);
    }

    private static bool IsEnd(Exception exception) =>
        exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException
            or InvalidOperationException;
}
