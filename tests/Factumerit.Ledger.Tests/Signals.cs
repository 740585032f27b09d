using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Factumerit.Ledger.Tests;

/// <summary>A signal of POSIX, by its number on Linux.</summary>
public enum UnixSignal
{
    Hangup = 1,
    Interrupt = 2,
    Quit = 3,
    Kill = 9,
    Terminate = 15,
}

/// <summary>Sends signals to processes, also on a machine without the program kill.</summary>
internal static class Signals
{
    public static void Send(int processId, UnixSignal signal)
    {
        if (kill(processId, (int)signal) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int processId, int signal);
}
