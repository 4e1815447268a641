using System.Net.Sockets;
using MetaRouter.Core.MetaLearning;
using Microsoft.AspNetCore.Connections;

namespace MetaRouter.Hosting.Settings;

/// <summary>Why a program of ours did not start, where that can be said in a sentence; anything else is a defect and shows its stack trace.</summary>
/// <param name="Message">The program's last words; empty: none.</param>
internal sealed record StartFailure(string Message, int ExitCode)
{
    /// <param name="otherUrl">An address that the program could listen on instead.</param>
    /// <returns>Null: it cannot be said.</returns>
    public static StartFailure? Of(Exception e, string otherUrl) => e switch
    {
        // A settings file that is no JSON; the message names the file and the line.
        InvalidDataException or FormatException and not SnapshotFormatException =>
            new($"The configuration cannot be read: {e.Message} {e.GetBaseException().Message}", ProgramArguments.BadConfiguration),
        OperationCanceledException => new("", 0), // stopped while it was starting
        IOException { InnerException: AddressInUseException } =>
            new($"{e.Message.TrimEnd('.')}. Stop the program that listens there, or choose another address: --urls {otherUrl}", ProgramArguments.Failed),
        _ when IsOfServer(e) => new(
            $"The address to listen on cannot be used: {e.Message}{(e.InnerException is { } inner ? $" ({inner.Message})" : "")}{Environment.NewLine}"
                + "Check --urls, or ASPNETCORE_URLS, or the addresses and certificates of section Kestrel.",
            e is SocketException ? ProgramArguments.Failed : ProgramArguments.BadConfiguration), // an address that this machine does not have may come later, as at boot
        SnapshotFormatException or IOException or UnauthorizedAccessException => new(e.Message, ProgramArguments.Failed),
        _ => null,
    };

    /// <returns>The exit code.</returns>
    public int Report() => Message.Length == 0 ? ExitCode : ProgramArguments.Fail(Message, ExitCode);

    /// <summary>An address or a certificate that the web server cannot use. The server has no exception type for that, so where it was thrown decides.</summary>
    private static bool IsOfServer(Exception e) => e.StackTrace?.Contains("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal) == true;
}
