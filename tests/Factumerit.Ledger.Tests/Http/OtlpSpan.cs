namespace Factumerit.Ledger.Tests.Http;

/// <summary>A span as a collector receives it, and the library that made it.</summary>
internal sealed record OtlpSpan(string Library, string TraceId, string SpanId, string ParentId, string Name)
{
    /// <summary>Reads an ExportTraceServiceRequest of OpenTelemetry's protocol.</summary>
    public static IEnumerable<OtlpSpan> Read(byte[] request) =>
        from resource in Fields(request, 1)
        from scope in Fields(resource, 2)
        let library = Fields(scope, 1).SelectMany(s => Fields(s, 1)).Select(TextOf).FirstOrDefault("")
        from span in Fields(scope, 2)
        select new OtlpSpan(
            library, Hex(span, 1), Hex(span, 2), Hex(span, 4), Fields(span, 5).Select(TextOf).Single());

    private static string Hex(byte[] span, int number) =>
        Fields(span, number).Select(Convert.ToHexStringLower).FirstOrDefault("");

    private static string TextOf(byte[] bytes) => System.Text.Encoding.UTF8.GetString(bytes);

    // The fields of a protobuf message that have this number and are bytes, a text or a message.
    private static List<byte[]> Fields(byte[] message, int number)
    {
        var found = new List<byte[]>();
        for (var at = 0; at < message.Length;)
        {
            var tag = ReadNumber(message, ref at);
            switch (tag & 7)
            {
                case 0:
                    ReadNumber(message, ref at);
                    break;
                case 1:
                    at += sizeof(long);
                    break;
                case 2:
                    var length = (int)ReadNumber(message, ref at);
                    if (tag >> 3 == (ulong)number)
                        found.Add(message[at..(at + length)]);
                    at += length;
                    break;
                case 5:
                    at += sizeof(int);
                    break;
                default:
                    throw new FormatException($"The field {tag >> 3} has an unknown wire type.");
            }
        }
        return found;
    }

    private static ulong ReadNumber(byte[] message, ref int at)
    {
        var number = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var part = message[at++];
            number |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
                return number;
        }
    }
}
