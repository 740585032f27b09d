using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Factumerit.Ledger.Tests.Http;
using static Factumerit.Ledger.Tests.LiteLlm.IntakeService;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// A body that can't be read to its end. After a recorded call the answer is 200 with one more failed item. A 4xx means
/// that nothing was done.
/// </summary>
public sealed class BrokenOffBodyTests(IntakeService service) : IClassFixture<IntakeService>
{
    private const int MiB = 1024 * 1024;
    private readonly string _user = $"user-{Guid.NewGuid():N}";

    [Fact]
    public async Task A_gzip_body_that_is_cut_off_answers_what_was_recorded()
    {
        var body = Gzip(Lines(200));

        await ExpectAsync(await SendAsync(body[..^30], "gzip"), "malformed-request", atLeast: 100);
        // The same again.
        await ExpectAsync(await SendAsync(body[..^30], "gzip"), "malformed-request", atLeast: 100);
        Counts((await SendAsync(body, "gzip")).Expect(200)).Sum().ShouldBe(200);
    }

    [Fact]
    public async Task A_gzip_body_that_grows_too_large_answers_what_was_recorded() =>
        await ExpectAsync(
            await SendAsync(Gzip(Lines(302) + new string(' ', 33 * MiB)), "gzip"), "payload-too-large", atLeast: 302);

    [Fact]
    public async Task A_brotli_body_that_more_follows_answers_what_was_recorded()
    {
        using var encoded = new MemoryStream();
        using (var encoder = new BrotliStream(encoded, CompressionLevel.Optimal, leaveOpen: true))
            encoder.Write(Encoding.UTF8.GetBytes(Lines(1)));
        await ExpectAsync(await SendAsync([.. encoded.ToArray(), 0, 0], "br"), "malformed-request", atLeast: 1);
    }

    [Fact]
    public async Task A_plain_body_without_a_length_that_grows_too_large_answers_what_was_recorded()
    {
        using var body = new StreamContent(new EndlessStream(Encoding.UTF8.GetBytes(Lines(700)), 33 * MiB));
        await ExpectAsync(await service.SendAsync(
            HttpMethod.Post, "/intake/litellm", body, null, LedgerService.AdminKey), "payload-too-large", atLeast: 500);
    }

    [Fact]
    public async Task A_chunk_that_is_no_chunk_answers_what_was_recorded()
    {
        // A group of calls is written while the body is still coming.
        var lines = Lines(700);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, service.Url.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /intake/litellm HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {LedgerService.AdminKey}\r\n"
            + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            + $"{lines.Length:x}\r\n{lines}\r\n"));
        await Chaos.ServiceProcess.UntilAsync(
            async () => await service.Database
                .ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE user_id = '{_user}'") == 500);
        await client.GetStream().WriteAsync("this is no chunk\r\n"u8.ToArray());
        var answer = await new StreamReader(client.GetStream()).ReadToEndAsync();

        answer.ShouldStartWith("HTTP/1.1 200");
        // The last line has no end, so that it is read and not known to be whole.
        answer.ShouldContain("could not be read any further after 7");
        (await service.BalanceAsync(_user)).ShouldBeLessThanOrEqualTo(-699);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("[7, null]")]
    public async Task Where_nothing_was_recorded_it_is_a_problem(string items)
    {
        (await SendAsync(Gzip(items)[..^4], "gzip")).ExpectProblem(400, "malformed-request");
        (await SendAsync(Gzip(items + new string(' ', 33 * MiB)), "gzip")).ExpectProblem(413, "payload-too-large");
    }

    [Fact]
    public async Task However_many_items_failed_the_end_of_the_body_is_told()
    {
        var reply = (await SendAsync(
            Gzip($"[{Call(0)}{string.Concat(Enumerable.Repeat(",7", 150))}]{new string(' ', 33 * MiB)}"), "gzip"))
            .Expect(200);

        Counts(reply).ShouldBe([1, 0, 0, 0, 151]);
        reply.List("failed").Select(f => f.GetProperty("index").GetInt32())
            .ShouldBe([.. Enumerable.Range(1, 100), 151]);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_cost_their_own_item_only()
    {
        byte[] body = [
            .. Encoding.UTF8.GetBytes(Lines(3)), .. "\n"u8, 0xFF, 0xFE, .. "\n"u8, .. Encoding.UTF8.GetBytes(Call(3))];
        Counts((await SendAsync(body, null)).Expect(200)).ShouldBe([4, 0, 0, 0, 1]);
    }

    private async Task ExpectAsync(Reply reply, string code, int atLeast)
    {
        var counts = Counts(reply.Expect(200));
        var done = counts[0] + counts[1];
        done.ShouldBeGreaterThanOrEqualTo(atLeast);
        (counts[2], counts[3]).ShouldBe((0, 0));
        // An item may have been broken off as well.
        var failure = reply.List("failed")[^1];
        failure.GetProperty("code").GetString().ShouldBe(code);
        failure.GetProperty("detail").GetString().ShouldNotBeNull().ShouldStartWith(
            $"The body could not be read any further after {failure.GetProperty("index").GetInt32()} items: ");
        (await service.BalanceAsync(_user)).ShouldBe(-done);
    }

    private string Lines(int count) => string.Join('\n', Enumerable.Range(0, count).Select(Call));

    // Noise, so that a cut of the encoded body is one of the items.
    private string Call(int number) =>
        $$"""{"id":"{{_user}}-{{number}}","response_cost":0.01,"x":"{{Guid.NewGuid()}}","metadata":"""
        + $$"""{"user_api_key_user_id":"{{_user}}"} }""";

    private Task<Reply> SendAsync(byte[] body, string? encoding)
    {
        var content = new ByteArrayContent(body);
        if (encoding is not null)
            content.Headers.ContentEncoding.Add(encoding);
        return service.SendAsync(HttpMethod.Post, "/intake/litellm", content, null, LedgerService.AdminKey);
    }

    private static byte[] Gzip(string text)
    {
        using var encoded = new MemoryStream();
        using (var encoder = new GZipStream(encoded, CompressionLevel.Optimal, leaveOpen: true))
            encoder.Write(Encoding.UTF8.GetBytes(text));
        return encoded.ToArray();
    }

    /// <summary>The bytes, and spaces up to a length that nobody knows before.</summary>
    private sealed class EndlessStream(byte[] first, int length) : Stream
    {
        private int _at;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            count = Math.Min(count, length - _at);
            for (var i = 0; i < count; i++, _at++)
                buffer[offset + i] = _at < first.Length ? first[_at] : (byte)' ';
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
