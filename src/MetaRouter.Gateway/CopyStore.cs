using System.Globalization;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway;

/// <summary><c>copy FROM TO</c>: brings all that a gateway keeps from one store into another, such as from a SQLite file to Redis.</summary>
internal static class CopyStore
{
    public const string Command = "copy", Usage = $"{Command} FROM TO";
    private const string Forms = $"{StoreAddress.Sqlite}PATH or {StoreAddress.Redis}HOST:PORT", Prefix = $"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.RedisPrefix)}";

    /// <summary>A Redis prefix in the settings applies to both stores, as a gateway would read them here.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments, TextWriter output)
    {
        if (arguments is not [var first, var second])
        {
            return ProgramArguments.Fail(
                $"'{Command}' takes two stores, and there {(arguments.Length == 1 ? "is 1" : $"are {arguments.Length}")}. Usage: {Usage} ({Forms})",
                ProgramArguments.BadConfiguration);
        }

        if (StoreOf(first) is not { } from || StoreOf(second) is not { } to)
        {
            var wrong = StoreOf(first) is null ? first : second;
            return ProgramArguments.Fail($"'{RedisAddress.Shown(wrong)}' is not a store that can be copied; write {Forms}. Usage: {Usage}", ProgramArguments.BadConfiguration);
        }

        if (from.Kind == StoreKind.Sqlite && !File.Exists(from.Place))
        {
            return ProgramArguments.Fail($"There is no file '{from.Place}' to copy from.", ProgramArguments.BadConfiguration);
        }

        var prefix = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = ProgramDefaults.Folder }).Configuration[Prefix] ?? new MetaRouterOptions().RedisPrefix;
        try
        {
            if (Place(from) == Place(to))
            {
                return ProgramArguments.Fail(
                    $"Source and target are the same store, '{RedisAddress.Shown(first)}'. Name another to copy to, one that is empty or not there yet ({Forms}). Usage: {Usage}",
                    ProgramArguments.BadConfiguration);
            }

            await using var source = Open(from, prefix);
            await using var target = Open(to, prefix);
            await CopyAsync(source, target, prefix, arguments, output).ConfigureAwait(false);
            return 0;
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            return ProgramArguments.Fail(e.Message);
        }
    }

    /// <param name="names">What the two are called.</param>
    private static async Task CopyAsync(IUserStore source, IUserStore target, string prefix, string[] names, TextWriter output)
    {
        using var metrics = new RouterMetrics();
        var shared = target is RedisUserStore redis ? new RedisSharedState(redis, prefix, TimeProvider.System, metrics) : null;
        var report = await new StoreCopy(source, target, TimeProvider.System) { Shared = shared }.RunAsync(CancellationToken.None).ConfigureAwait(false);
        await output.WriteLineAsync($"Copied {Counted(report.Users, "user")}, {Counted(report.Erasures, "erasure")}, "
            + $"and what is shared, to {RedisAddress.Shown(names[1])}.").ConfigureAwait(false);
        await output.WriteLineAsync(source is RedisUserStore
            ? "What was spent of budgets was not copied: it is counted from zero there."
            : $"What was spent of budgets was copied too ({Counted(report.Accounts, "sum")}).").ConfigureAwait(false);
        var aside = source switch
        {
            SqliteUserStore file => await file.CountQuarantinedAsync().ConfigureAwait(false),
            RedisUserStore other => await other.CountQuarantinedAsync().ConfigureAwait(false),
            _ => 0,
        };
        if (aside > 0)
        {
            await output.WriteLineAsync(
                $"{Counted(aside, "record")} that could not be read and had been set aside in {RedisAddress.Shown(names[0])} {(aside == 1 ? "was" : "were")} not copied.").ConfigureAwait(false);
        }
    }

    private static string Counted(long count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count:n0} {what}{(count == 1 ? "" : "s")}");

    /// <summary>Null: it is not a store that lasts.</summary>
    private static StoreAddress? StoreOf(string text) => StoreAddress.TryParse(text, out var store) && store.Kind != StoreKind.Memory ? store : null;

    /// <summary>The store's place in one spelling, to compare two; a machine may still have two names.</summary>
    /// <exception cref="StoreException">An address of Redis that cannot be understood.</exception>
    private static string Place(StoreAddress store)
    {
        if (store.Kind == StoreKind.Sqlite)
        {
            var path = Path.GetFullPath(store.Place);
            return StoreAddress.Sqlite + (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path);
        }

        var redis = RedisAddress.Parse(store.Place);
        return StoreAddress.Redis + string.Join(',', redis.EndPoints.Select(RedisReach.Name).Order(StringComparer.OrdinalIgnoreCase))
            + "/" + (redis.DefaultDatabase ?? 0).ToString(CultureInfo.InvariantCulture);
    }

    private static IUserStore Open(StoreAddress store, string prefix) => store.Kind == StoreKind.Sqlite ? SqliteUserStore.Open(store.Place) : RedisUserStore.Open(store.Place, prefix);
}
