namespace Factumerit.Ledger.Api.Hosting;

/// <summary>Explains why the service can't listen on the addresses it was given.</summary>
internal static class ListenAddresses
{
    private const string Example = "http://localhost:5080";

    /// <summary>Names the setting, the given value and a correct one, in one line.</summary>
    public static string Explain(IConfiguration configuration, Exception failure)
    {
        var isByAddress = configuration[WebHostDefaults.ServerUrlsKey] is { Length: > 0 };
        var name = isByAddress ? "ASPNETCORE_URLS (or --urls)" : "ASPNETCORE_HTTP_PORTS";
        var addresses = isByAddress
            ? Split(configuration[WebHostDefaults.ServerUrlsKey])
            : Split(configuration[WebHostDefaults.HttpPortsKey]).Select(port => $"http://*:{port}");
        var fault = addresses.Select(FindFault).FirstOrDefault(fault => fault is not null);
        return $"{name} can't be listened on: {fault ?? failure.Message.Split('\n')[0].TrimEnd()}";
    }

    private static string[] Split(string? list) =>
        list?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static string? FindFault(string address)
    {
        BindingAddress parsed;
        try
        {
            parsed = BindingAddress.Parse(address);
        }
        catch (FormatException)
        {
            return $"'{address}' is not an address such as {Example}.";
        }
        return parsed switch
        {
            { Scheme: not ("http" or "https") } => $"'{address}' is not an address such as {Example}.",
            { Port: < 0 or > ushort.MaxValue } => $"the port of '{address}' is not from 0 to {ushort.MaxValue}.",
            { PathBase.Length: > 0 } => $"'{address}' has a path, which is set by PathBase.",
            _ => null,
        };
    }
}
