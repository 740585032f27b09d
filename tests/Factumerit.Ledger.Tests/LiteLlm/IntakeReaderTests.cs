using System.IO.Pipelines;
using Factumerit.Ledger.LiteLlm;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>How the intake leaves a body that it does not read to its end.</summary>
public sealed class IntakeReaderTests
{
    [Fact]
    public async Task A_body_of_which_no_more_items_are_wanted_can_still_be_read_to_its_end()
    {
        var body = new Pipe();
        await body.Writer.WriteAsync("""[{"id":"1"},{"id":"2"},"""u8.ToArray());
        await foreach (var item in IntakeReader.ReadAsync(body.Reader))
        {
            item.Index.ShouldBe(0);
            break;
        }
        await body.Writer.WriteAsync("{}]"u8.ToArray());
        await body.Writer.CompleteAsync();

        // The server does so before the next request on the connection, and throws in the middle of a read.
        var rest = await body.Reader.ReadAsync();
        rest.Buffer.Length.ShouldBe(3);
        rest.IsCompleted.ShouldBeTrue();
    }
}
