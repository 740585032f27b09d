using System.Buffers.Binary;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Decodes a request's body, and refuses a body that is corrupt, truncated or followed by more data. The framework's
/// decoders treat the end of their input as the end of the data, so they would accept half a body as a whole one.
/// </summary>
internal sealed class StrictStream : Stream
{
    private readonly EncodedInput _input;
    private readonly Stream _decoder;
    private readonly bool _isGzip;
    private uint _decodedBytes;

    public StrictStream(Stream encoded, Func<Stream, Stream> decode, bool isGzip)
    {
        (_input, _isGzip) = (new EncodedInput(encoded), isGzip);
        _decoder = decode(_input);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // The request's pipe waits for data with an empty buffer. A decoder would then ask for more input, even if it
        // still has decoded data.
        if (buffer.IsEmpty)
            return 0;
        try
        {
            var count = await _decoder.ReadAsync(buffer, cancellationToken);
            _decodedBytes = unchecked(_decodedBytes + (uint)count);
            return count > 0 || IsWhole() ? count : throw Broken();
        }
        // Brotli's decoder throws InvalidOperationException for invalid data.
        catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException)
        {
            throw Broken();
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _decoder.Dispose();
        base.Dispose(disposing);
    }

    // Gzip ends with the number of uncompressed bytes, modulo 2^32. The other decoders stop by themselves at the end of
    // the data: a decoder that read beyond the last byte got too little data, and a decoder that left the last byte
    // unread got too much.
    private bool IsWhole() => _isGzip
        ? _input.HasEnded && _input.LastFour == _decodedBytes
        : _input.IsLastTaken && !_input.HasEnded;

    private static BadHttpRequestException Broken() =>
        new("The body can't be decoded as its Content-Encoding says: it is broken or not complete.",
            StatusCodes.Status400BadRequest);

    /// <summary>
    /// The encoded input, with facts about its end. The last byte is returned alone, which shows whether the decoder
    /// needs it.
    /// </summary>
    private sealed class EncodedInput(Stream inner) : Stream
    {
        private readonly byte[] _tail = new byte[sizeof(uint)];
        private byte? _held;

        /// <summary>The decoder has read the last byte.</summary>
        public bool IsLastTaken { get; private set; }

        /// <summary>The decoder has read beyond the last byte.</summary>
        public bool HasEnded { get; private set; }

        public uint LastFour => BinaryPrimitives.ReadUInt32LittleEndian(_tail);

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty || HasEnded)
                return 0;
            var count = IsLastTaken ? 0 : await HoldBackAsync(buffer, cancellationToken);
            HasEnded = count == 0;
            Keep(buffer.Span[..count]);
            return count;
        }

        private async ValueTask<int> HoldBackAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            while (true)
            {
                var count = await inner.ReadAsync(buffer, cancellationToken);
                var bytes = buffer.Span;
                if (count == 0)
                {
                    if (_held is not { } last)
                        return 0;
                    (bytes[0], _held, IsLastTaken) = (last, null, true);
                    return 1;
                }
                var (before, held) = (_held, bytes[count - 1]);
                _held = held;
                if (before is { } first)
                {
                    bytes[..(count - 1)].CopyTo(bytes[1..]);
                    bytes[0] = first;
                    return count;
                }
                if (count > 1)
                    return count - 1;
            }
        }

        public override Task<int> ReadAsync(
            byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        private void Keep(ReadOnlySpan<byte> bytes)
        {
            if (bytes.Length < _tail.Length)
                _tail.AsSpan(bytes.Length).CopyTo(_tail);
            bytes = bytes.Length > _tail.Length ? bytes[^_tail.Length..] : bytes;
            bytes.CopyTo(_tail.AsSpan(_tail.Length - bytes.Length));
        }
    }
}
