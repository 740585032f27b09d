using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// Stands before PostgreSQL as PgBouncer does: clients are told of process ids that are not the server's, and between
/// transactions any client may get the session that was given back last.
/// </summary>
internal sealed class SharingPooler : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentStack<TcpClient> _idle = new();
    private readonly string _host;
    private readonly int _port;
    private readonly Task _accepting;

    public SharingPooler(string connectionString)
    {
        var server = new NpgsqlConnectionStringBuilder(connectionString);
        (_host, _port) = (server.Host!, server.Port);
        _listener.Start();
        ConnectionString = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Host = "127.0.0.1",
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port,
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString;
        _accepting = AcceptAsync();
    }

    public string ConnectionString { get; }

    /// <summary>Whether a client keeps its session, as by pool_mode = session.</summary>
    public bool KeepsApart { get; init; }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _accepting;
        foreach (var server in _idle)
            server.Dispose();
        _listener.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
                serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stopping.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        TcpClient? server = null;
        using (client)
        {
            try
            {
                server = new TcpClient();
                await server.ConnectAsync(_host, _port, _stopping.Token);
                await LogInAsync(client.GetStream(), server.GetStream());
                Release(ref server);
                while (true)
                {
                    var (type, message) = await ReadAsync(client.GetStream());
                    if (type is 'X')
                        break;
                    server ??= Take();
                    await server.GetStream().WriteAsync(message, _stopping.Token);
                    // Sync and a simple query are answered to their end.
                    if (type is 'S' or 'Q' && await AnswerAsync(server.GetStream(), client.GetStream()) is 'I')
                        Release(ref server);
                }
            }
            catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
            {
                // One side went away: so does the other.
            }
            server?.Dispose();
        }
    }

    private void Release(ref TcpClient? server)
    {
        if (KeepsApart || server is null)
            return;
        _idle.Push(server);
        server = null;
    }

    private TcpClient Take() => _idle.TryPop(out var server) ? server : throw new IOException("No session is free.");

    // The startup message has no type. Each message of the client is one step of the log-in; the last answer is that
    // the server is ready.
    private async Task LogInAsync(NetworkStream client, NetworkStream server)
    {
        await server.WriteAsync((await ReadAsync(client, hasType: false)).Message, _stopping.Token);
        while (true)
        {
            var (type, message) = await ReadAsync(server);
            if (type is 'K')
                BinaryPrimitives.WriteInt32BigEndian(
                    message.AsSpan(5), BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(5)) + 1_000_000);
            await client.WriteAsync(message, _stopping.Token);
            if (type is 'Z')
                return;
            // Each kind of authentication but "ok" and the last of SCRAM wants a word of the client.
            if (type is 'R' && BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(5)) is not (0 or 12))
                await server.WriteAsync((await ReadAsync(client)).Message, _stopping.Token);
        }
    }

    private async Task<char> AnswerAsync(NetworkStream server, NetworkStream client)
    {
        while (true)
        {
            var (type, message) = await ReadAsync(server);
            await client.WriteAsync(message, _stopping.Token);
            if (type is 'Z')
                return (char)message[5];
        }
    }

    private async Task<(char Type, byte[] Message)> ReadAsync(NetworkStream stream, bool hasType = true)
    {
        var head = new byte[hasType ? 5 : 4];
        await stream.ReadExactlyAsync(head, _stopping.Token);
        var body = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(head.Length - 4)) - 4];
        await stream.ReadExactlyAsync(body, _stopping.Token);
        return ((char)head[0], [.. head, .. body]);
    }
}
