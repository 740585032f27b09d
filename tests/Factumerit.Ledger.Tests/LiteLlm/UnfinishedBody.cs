using System.Net;
using System.Text;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>A body that sends its text and then hangs, until it is told to break off.</summary>
internal sealed class UnfinishedBody(string text) : HttpContent
{
    private readonly TaskCompletionSource _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Break() => _broken.TrySetException(new HttpRequestException("The sender is gone."));

    public void End() => _broken.TrySetResult();

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text));
        await stream.FlushAsync();
        await _broken.Task;
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
