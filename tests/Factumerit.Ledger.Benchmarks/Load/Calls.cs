using System.Globalization;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>
/// Call n of a sender's thread: which user pays how much. common.lua has the same formula, so the audit can work out
/// from a request id alone what the call must have moved.
/// </summary>
internal static class Calls
{
    public const int Users = 10_000;
    public const string Model = "claude-sonnet-4-5";

    /// <summary>What every user is granted before the load: more than any run can spend, in cents.</summary>
    public const decimal GrantCents = 10_000_000m;

    public static string User(int number) => string.Create(CultureInfo.InvariantCulture, $"bench:{number:00000}");

    public static string RequestId(int tag, int thread, int n) =>
        string.Create(CultureInfo.InvariantCulture, $"chatcmpl-{tag:000}-{thread}-{n:000000000}");

    public static Call Of(int thread, int n, int users)
    {
        var hash = (uint)(((ulong)n * 1597334677UL + (ulong)thread * 3812015801UL) % 4294967296UL);
        var (high, low) = (hash / 65536, hash % 65536);
        var user = (ulong)(high + 1) * (low + 1) % 1000003 % (ulong)users;
        return new Call(
            (int)user, new decimal((high * 31 + low) % 9999 + 1) / 10_000, 200 + high % 4000, 20 + low % 900);
    }

    /// <summary>Who made a request id, and which call it names; null when no sender of ours made it.</summary>
    public static CallId? Read(string requestId) =>
        requestId.Split('-') is ["chatcmpl", { Length: 3 } tag, { Length: 1 } thread, { Length: 9 } n]
        && int.TryParse(thread, NumberStyles.None, CultureInfo.InvariantCulture, out var threadNumber)
        && int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && int.TryParse(tag, NumberStyles.None, CultureInfo.InvariantCulture, out var tagNumber)
            ? new CallId(tagNumber, threadNumber, number)
            : null;
}

/// <summary>A request id in short: the run of a sender, its thread, and the number of the call.</summary>
internal readonly record struct CallId(int Tag, int Thread, int Number);

/// <summary>
/// One call: the number of the user who pays, the price in cents, and the tokens that are reported with it.
/// </summary>
internal readonly record struct Call(int User, decimal Cents, long PromptTokens, long CompletionTokens);
