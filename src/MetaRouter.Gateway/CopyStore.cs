using System.Globalization;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway;

/// <summary><c>copy FROM TO</c>: brings all that a gateway keeps from one store into another, such as from a SQLite file to Redis.</summary>
internal static class CopyStore
{
    public const string Command = "copy", Usage = $"{Command} FROM TO";
    private const string Sqlite = "sqlite:", Redis = "redis:", Forms = $"{Sqlite}PATH or {Redis}HOST:PORT", Prefix = $"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.RedisPrefix)}";

    /// <summary>A prefix that the settings name is that of both, as a gateway would read them here.</summary>
    /// <returns>What the program ends with.</returns>
    public static async Task<int> RunAsync(string[] arguments, TextWriter output)
    {
        if (arguments is not [var from, var to])
        {
            return ProgramArguments.Fail($"'{Command}' takes two stores, and there {(arguments.Length == 1 ? "is 1" : $"are {arguments.Length}")}. Usage: {Usage} ({Forms})", ProgramArguments.BadConfiguration);
        }

        if ((!IsStore(from) ? from : !IsStore(to) ? to : null) is { } wrong)
        {
            return ProgramArguments.Fail($"'{RedisAddress.Shown(wrong)}' is no store that can be copied; write {Forms}. Usage: {Usage}", ProgramArguments.BadConfiguration);
        }

        if (from.StartsWith(Sqlite, StringComparison.Ordinal) && !File.Exists(from[Sqlite.Length..]))
        {
            return ProgramArguments.Fail($"There is no file '{from[Sqlite.Length..]}' to copy from.", ProgramArguments.BadConfiguration);
        }

        var prefix = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = ProgramDefaults.Folder }).Configuration[Prefix] ?? new MetaRouterOptions().RedisPrefix;
        try
        {
            if (Place(from) == Place(to))
            {
                return ProgramArguments.Fail($"Source and target are the same store, '{RedisAddress.Shown(from)}'. Name another to copy to, one that is empty or not there yet ({Forms}). Usage: {Usage}", ProgramArguments.BadConfiguration);
            }

            await using var source = Open(from, prefix);
            await using var target = Open(to, prefix);
            using var metrics = new RouterMetrics();
            var report = await new StoreCopy(source, target, TimeProvider.System) { Shared = target is RedisUserStore redis ? new RedisSharedState(redis, prefix, TimeProvider.System, metrics) : null }.RunAsync(CancellationToken.None).ConfigureAwait(false);
            await output.WriteLineAsync($"Copied {Counted(report.Users, "user")}, {Counted(report.Erasures, "erasure")}, and what they all share, to {RedisAddress.Shown(to)}.").ConfigureAwait(false);
            await output.WriteLineAsync(source is RedisUserStore
                ? "What was spent of budgets stays behind: it is counted from nothing there."
                : $"So is what was spent of budgets ({Counted(report.Accounts, "sum")}).").ConfigureAwait(false);
            var aside = source switch { SqliteUserStore file => await file.CountQuarantinedAsync().ConfigureAwait(false), RedisUserStore other => await other.CountQuarantinedAsync().ConfigureAwait(false), _ => 0 };
            if (aside > 0)
            {
                await output.WriteLineAsync($"In {RedisAddress.Shown(from)} stays what was set aside there: {Counted(aside, "record")} that could not be read.").ConfigureAwait(false);
            }

            return 0;
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            return ProgramArguments.Fail(e.Message);
        }
    }

    private static string Counted(long count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count:n0} {what}{(count == 1 ? "" : "s")}");

    private static bool IsStore(string store) => (store.StartsWith(Sqlite, StringComparison.Ordinal) && store.Length > Sqlite.Length) || (store.StartsWith(Redis, StringComparison.Ordinal) && store.Length > Redis.Length);

    /// <summary>Where it is, however it is written; one machine may still have two names.</summary>
    /// <exception cref="StoreException">An address of Redis that cannot be understood.</exception>
    private static string Place(string store)
    {
        if (store.StartsWith(Sqlite, StringComparison.Ordinal))
        {
            var path = Path.GetFullPath(store[Sqlite.Length..]);
            return Sqlite + (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path);
        }

        var redis = RedisAddress.Parse(store[Redis.Length..]);
        return Redis + string.Join(',', redis.EndPoints.Select(RedisReach.Name).Order(StringComparer.OrdinalIgnoreCase)) + "/" + (redis.DefaultDatabase ?? 0).ToString(CultureInfo.InvariantCulture);
    }

    private static IUserStore Open(string store, string prefix) => store.StartsWith(Sqlite, StringComparison.Ordinal) ? SqliteUserStore.Open(store[Sqlite.Length..]) : RedisUserStore.Open(store[Redis.Length..], prefix);
}
