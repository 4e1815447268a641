using System.Runtime.CompilerServices;

namespace MetaRouter.Gateway.Tests;

internal static class Threads
{
    /// <summary>Many gateways start at once here, and a start waits for its store; the pool would grow by one thread a second.</summary>
    [ModuleInitializer]
    internal static void Enough() => ThreadPool.SetMinThreads(64, 64);
}
