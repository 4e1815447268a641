using System.Net.Sockets;

namespace MetaRouter.Hosting.Settings;

/// <summary>An address or a certificate that the web server cannot use. It has no exception of its own for that, so who threw it tells.</summary>
internal static class ListenProblem
{
    public static bool IsOne(Exception exception) => exception.StackTrace?.Contains("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal) == true;

    /// <summary>The program's last words. An address that this machine does not have may come later, as at boot: that is no setting that cannot be used.</summary>
    /// <returns>What it ends with.</returns>
    public static int Tell(Exception exception)
    {
        var cause = exception.InnerException is { } inner ? $" ({inner.Message})" : "";
        return ProgramArguments.Fail($"The address to listen on cannot be used: {exception.Message}{cause}{Environment.NewLine}Check --urls, or ASPNETCORE_URLS, or the addresses and certificates of section Kestrel.",
            exception is SocketException ? ProgramArguments.Failed : ProgramArguments.BadConfiguration);
    }
}
