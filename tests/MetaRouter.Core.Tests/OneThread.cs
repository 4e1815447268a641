namespace MetaRouter.Core.Tests;

/// <summary>Runs parallel loops on a single thread, to show that the number of threads changes no bit.</summary>
internal static class OneThread
{
    public static T Run<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler).GetAwaiter().GetResult();
}
