using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;

namespace MetaRouter.Hosting.Settings;

/// <summary>A terminal or a connection that goes away sends SIGHUP, which the framework leaves to end a program at once.</summary>
internal static class HangUp
{
    /// <summary>From now on it stops the program as SIGTERM does; one that was started to pass it over, by nohup, goes on passing it over.</summary>
    public static IDisposable Stops(IHostApplicationLifetime lifetime) => PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
    {
        signal.Cancel = true;
        lifetime.StopApplication();
    });
}
