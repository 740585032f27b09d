using System.Globalization;

namespace Factumerit.Ledger.FakeLiteLlm;

/// <summary>Runs the fake by itself, on a port of this machine: what <c>scripts/fake-litellm</c> starts.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args is not [var first]
            || !int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65535)
        {
            await Console.Error.WriteLineAsync("usage: fake-litellm PORT");
            return 2;
        }
        await using var fake = await FakeProxy.StartAsync(port);
        Console.WriteLine($"A fake LiteLLM on {fake.Url}, master key {FakeProxy.MasterKey}. Stop it with Ctrl+C.");
        await fake.WaitAsync();
        return 0;
    }
}
