using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using Factumerit.Ledger.Tests.LiteLlm;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Bodies with a Content-Encoding: the three routes that take many items decode them, all others refuse them, and no
/// body is read as something else than it is.
/// </summary>
public sealed class EncodedBodyTests(IntakeService service) : IClassFixture<IntakeService>
{
    private const int MiB = 1024 * 1024;
    private const string Broken =
        "The body can't be decoded as its Content-Encoding says: it is broken or not complete.";
    private readonly string _user = $"user-{Guid.NewGuid():N}";

    public static TheoryData<string> Encodings => ["gzip", "deflate", "br", "x-gzip", "GZip"];

    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task The_intake_batches_and_the_price_import_take_each(string encoding)
    {
        IntakeService.Counts((await SendAsync("/intake/litellm", Encode(encoding, Call("1")), encoding)).Expect(200))
            .ShouldBe([1, 0, 0, 0, 0]);
        (await SendAsync("/usage/batch", Encode(
            encoding, $$"""[{"user_id":"{{_user}}","amount_cents":0,"request_id":"2"}]"""), encoding)).Expect(200)
            .List("results").ShouldHaveSingleItem();
        (await SendAsync("/prices/import?dry_run=true", Encode(encoding,
            """{"m": {"litellm_provider": "p", "input_cost_per_token": 1e-9, "output_cost_per_token": 1e-9}}"""),
            encoding))
            .Expect(200);
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("")]
    public async Task No_encoding_by_name_is_none(string encoding)
    {
        IntakeService.Counts((await SendAsync("/intake/litellm", Encoding.UTF8.GetBytes(Call("1")), encoding))
            .Expect(200)).ShouldBe([1, 0, 0, 0, 0]);
        (await SendAsync("/users", Encoding.UTF8.GetBytes($$"""{"user_id":"{{_user}}-2"}"""), encoding)).Expect(201);
    }

    [Theory]
    [InlineData("zstd")]
    [InlineData("gzip, br")]
    [InlineData("gzip, gzip")]
    [InlineData("identity, gzip")]
    public async Task Other_encodings_and_several_are_415_even_where_one_is_taken(string encoding)
    {
        var reply = await SendAsync("/intake/litellm", Encode("gzip", Call("1")), encoding);

        reply.ShouldBeProblem(
            415, "unsupported-media-type", "The media type or encoding is not supported",
            "This route takes a body with the Content-Encoding gzip, deflate or br, one of them, or none.");
        (await service.Database.ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE user_id = '{_user}'"))
            .ShouldBe(0);
    }

    [Theory]
    [InlineData("/usage")]
    [InlineData("/users")]
    [InlineData("/intake/litellm/reconcile")]
    public async Task Elsewhere_every_encoding_is_415(string path) =>
        (await SendAsync(path, Encode("gzip", "{}"), "gzip")).ShouldBeProblem(
            415, "unsupported-media-type", "The media type or encoding is not supported",
            "This route takes no Content-Encoding: send the body as it is.");

    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task However_much_is_decoded_of_little_nothing_of_it_is_missed(string encoding)
    {
        foreach (var count in (int[])[1, 50, 500, 1_999])
            IntakeService.Counts((await SendAsync("/intake/litellm", Encode(
                encoding, string.Join('\n', Enumerable.Range(0, count).Select(n => Call($"{count}-{n}")))), encoding))
                .Expect(200)).ShouldBe([count, 0, 0, 0, 0]);
    }

    [Fact]
    public async Task Who_sends_no_key_learns_nothing_of_encodings()
    {
        using var body = Content(Encode("gzip", "{}"), "gzip");
        (await service.SendAsync(HttpMethod.Post, "/usage", body, null, key: null)).ExpectProblem(401, "unauthorized");
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task What_is_broken_cut_off_or_followed_by_more_is_400(string encoding)
    {
        // Items to a line each, so that half of the lines would pass for a body.
        var whole = Encode(encoding, string.Join('\n', Enumerable.Range(0, 2_000).Select(n => Call($"{n}"))));
        byte[] corrupt = [.. whole];
        // Brotli has no checksum: of what is changed inside, only what makes no sense is noticed.
        for (var at = encoding == "br" ? 0 : 100; at < 200; at++)
            corrupt[at] ^= 0x5a;
        foreach (var bytes in (byte[][])[whole[..(whole.Length / 2)], whole[..^1], corrupt,
            Encoding.UTF8.GetBytes(Call("1")), [.. whole, .. new byte[10_000]], [.. whole, 0], [.. whole, .. whole]])
        {
            foreach (var path in (string[])["/usage/batch", "/prices/import"])
                (await SendAsync(path, bytes, encoding))
                    .ExpectProblem(400, "malformed-request").Text("detail").ShouldBe(Broken);
            var reply = await SendAsync("/intake/litellm", bytes, encoding);
            if (reply.Status == 400)
                reply.ExpectProblem(400, "malformed-request").Text("detail").ShouldBe(Broken);
            else
                reply.Expect(200)
                    .List("failed")[^1].GetProperty("detail").GetString().ShouldNotBeNull().ShouldEndWith(Broken);
        }
    }

    [Theory]
    [InlineData("/intake/litellm", 32)]
    [InlineData("/usage/batch", 4)]
    [InlineData("/prices/import", 8)]
    public async Task Limits_count_decoded_bytes(string path, int mebibytes)
    {
        foreach (var encoding in (string[])["gzip", "deflate", "br"])
        {
            // A thousandth of it on the way.
            var bomb = Encode(encoding, new string(' ', (mebibytes * MiB) + 1));
            bomb.Length.ShouldBeLessThan(mebibytes * MiB / 500);
            (await SendAsync(path, bomb, encoding)).ExpectProblem(413, "payload-too-large");
        }
    }

    [Fact]
    public async Task Memory_stays_flat_whatever_is_decoded()
    {
        var padded = Encode("gzip",
            $$"""[{"id":"{{_user}}","response_cost":0.01,"messages":"{{new string('x', (31 * MiB) + (MiB / 2))}}","""
            + $$""" "metadata":{"user_api_key_user_id":"{{_user}}"} }]""");
        IntakeService.Counts((await SendAsync("/intake/litellm", padded, "gzip")).Expect(200))
            .ShouldBe([1, 0, 0, 0, 0]);
        var before = GC.GetTotalAllocatedBytes(precise: true);

        for (var n = 0; n < 4; n++)
            IntakeService.Counts((await SendAsync("/intake/litellm", padded, "gzip")).Expect(200))
                .ShouldBe([0, 1, 0, 0, 0]);

        // Nothing as large as one body was ever held.
        (GC.GetTotalAllocatedBytes(precise: true) - before).ShouldBeLessThan(4 * 16 * MiB);
    }

    private string Call(string id) =>
        $$"""{"id":"{{_user}}-{{id}}","response_cost":0.01,"metadata":{"user_api_key_user_id":"{{_user}}"} }""";

    private Task<Reply> SendAsync(string path, byte[] body, string encoding) =>
        service.SendAsync(HttpMethod.Post, path, Content(body, encoding), null, LedgerService.AdminKey);

    private static ByteArrayContent Content(byte[] body, string encoding)
    {
        var content = new ByteArrayContent(body)
        { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        return content;
    }

    private static byte[] Encode(string encoding, string text)
    {
        using var encoded = new MemoryStream();
        using (Stream encoder = encoding.ToUpperInvariant() switch
        {
            "DEFLATE" => new ZLibStream(encoded, CompressionLevel.Optimal),
            "BR" => new BrotliStream(encoded, CompressionLevel.Optimal),
            _ => new GZipStream(encoded, CompressionLevel.Optimal),
        })
            encoder.Write(Encoding.UTF8.GetBytes(text));
        return encoded.ToArray();
    }
}
