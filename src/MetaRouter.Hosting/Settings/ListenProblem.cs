using System.Net.Sockets;

namespace MetaRouter.Hosting.Settings;

/// <summary>An address or a certificate that the web server cannot use. The server has no exception type for that, so where it was thrown decides.</summary>
internal static class ListenProblem
{
    public static bool IsOne(Exception exception) => exception.StackTrace?.Contains("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal) == true;

    /// <summary>The program's last words. An address that this machine does not have may come later, as at boot: that is not counted as a wrong setting.</summary>
    /// <returns>The exit code.</returns>
    public static int Tell(Exception exception)
    {
        var cause = exception.InnerException is { } inner ? $" ({inner.Message})" : "";
        return ProgramArguments.Fail("The address to listen on cannot be used: "
            + $"{exception.Message}{cause}{Environment.NewLine}Check --urls, or ASPNETCORE_URLS, or the addresses and certificates of section Kestrel.",
            exception is SocketException ? ProgramArguments.Failed : ProgramArguments.BadConfiguration);
    }
}
