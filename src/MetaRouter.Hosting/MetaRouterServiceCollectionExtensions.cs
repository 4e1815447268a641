using MetaRouter.Core.Routing;
using MetaRouter.Hosting.Learning;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MetaRouter.Hosting;

/// <summary>Adds the in-process router to an application.</summary>
public static partial class MetaRouterServiceCollectionExtensions
{
    /// <summary>Lies within the section, but is read by the gateway's client.</summary>
    private const string Client = MetaRouterOptions.Section + ":Client:";

    /// <summary>
    /// Adds <see cref="IRouter"/>, its store, the learning loop and the decision log. Options are validated at start: every problem is reported at once,
    /// and the application does not start with any. Learning loop and decision log run only in a started host; routing and learning of a user need none.
    /// </summary>
    public static IServiceCollection AddMetaRouter(this IServiceCollection services, Action<MetaRouterOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddMetaRouterOptions();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        // Added once; a second call only configures further.
        if (services.Any(s => s.ServiceType == typeof(InProcessRouter)))
        {
            return services;
        }

        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System); // the application may have its own
        services.AddSingleton<RouterMetrics>();
        services.AddSingleton(s => OpenStore(s.GetRequiredService<MetaRouterOptions>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton(s => new PoolHolder(s.GetRequiredService<MetaRouterOptions>().BuildPool()));
        services.AddSingleton(s => RouterSecrets.LoadOrCreateAsync(s.GetRequiredService<IUserStore>(), CancellationToken.None).GetAwaiter().GetResult());
        services.AddSingleton(s => s.GetRequiredService<MetaRouterOptions>().BuildPolicy(s.GetRequiredService<RouterSecrets>()));
        services.AddDecisionLog();
        services.AddSingleton(s =>
        {
            var o = s.GetRequiredService<MetaRouterOptions>();
            return new LearningLoop(
                s.GetRequiredService<IUserStore>(), s.GetRequiredService<PoolHolder>(), o,
                s.GetRequiredService<TimeProvider>(), s.GetRequiredService<RouterMetrics>(),
                s.GetRequiredService<ILogger<LearningLoop>>())
            {
                PrivateTenants = o.PrivateTenants.Select(s.GetRequiredService<RouterSecrets>().HashOf).ToHashSet(),
            };
        });
        services.AddSingleton<ILearning>(s => s.GetRequiredService<LearningLoop>());
        services.AddSingleton<CatalogKeeper>();
        services.AddSingleton<StoreGuard>();
        services.AddSingleton<KeyRotation>();
        services.AddSingleton(s =>
        {
            s.GetRequiredService<StoreGuard>().CheckAsync(CancellationToken.None).GetAwaiter().GetResult(); // from here on, secrets that are gone mean the store was emptied
            s.GetRequiredService<CatalogKeeper>().PullAsync(CancellationToken.None).GetAwaiter().GetResult();
            s.GetRequiredService<LearningLoop>().RestoreAsync(CancellationToken.None).GetAwaiter().GetResult();
            return new InProcessRouter(
                s.GetRequiredService<IUserStore>(), s.GetRequiredService<PoolHolder>(),
                s.GetRequiredService<RoutingPolicy>(), s.GetRequiredService<RouterSecrets>(), s.GetRequiredService<TimeProvider>(),
                s.GetRequiredService<RouterMetrics>(), s.GetRequiredService<DecisionLog>(), s.GetRequiredService<ILogger<InProcessRouter>>(), s.GetRequiredService<MetaRouterOptions>().UsersInMemory);
        });
        services.AddSingleton<IEdgeRouter>(s => s.GetRequiredService<InProcessRouter>());
        services.AddSingleton<IRouter>(s => s.GetRequiredService<InProcessRouter>());
        services.AddHostedService(s => s.GetRequiredService<LearningLoop>());
        services.AddHostedService(s => s.GetRequiredService<DecisionLog>());
        services.AddHostedService<StoreWatcher>();
        services.AddSingleton(s => new MemorySharedState(s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<AccountKeeper>();
        services.AddSingleton<ISharedState>(s =>
        {
            if (s.GetRequiredService<IUserStore>() is RedisUserStore redis)
            {
                return new RedisSharedState(redis, s.GetRequiredService<MetaRouterOptions>().RedisPrefix, s.GetRequiredService<TimeProvider>(), s.GetRequiredService<RouterMetrics>());
            }

            s.GetRequiredService<AccountKeeper>().RestoreAsync(CancellationToken.None).GetAwaiter().GetResult();
            return s.GetRequiredService<MemorySharedState>();
        });
        services.AddHostedService(s => s.GetRequiredService<AccountKeeper>());
        return services;
    }

    /// <summary>Adds <see cref="MetaRouterOptions"/>, bound to their section and validated at start.</summary>
    public static OptionsBuilder<MetaRouterOptions> AddMetaRouterOptions(this IServiceCollection services)
    {
        var options = services.AddOptions<MetaRouterOptions>();

        // Bound once: a list bound twice would have every entry twice.
        if (services.All(s => s.ServiceType != typeof(MetaRouterOptions)))
        {
            options.Configure<IServiceProvider>((o, s) => Bind(o, s.GetService<IConfiguration>())).ValidateOnStart(); // a test or a script may have none
            services.AddSingleton<IValidateOptions<MetaRouterOptions>, Validator>();
            services.AddSingleton(s => s.GetRequiredService<IOptions<MetaRouterOptions>>().Value);
        }

        return options;
    }

    /// <summary>Adds the decision log of the options; who adds it has it start and stop with whatever takes decisions.</summary>
    internal static void AddDecisionLog(this IServiceCollection services) => services.AddSingleton(s =>
    {
        var options = s.GetRequiredService<MetaRouterOptions>();
        return new DecisionLog(options.DecisionLog ?? "", options.DecisionLogQueue, s.GetRequiredService<RouterMetrics>(), s.GetRequiredService<ILogger<DecisionLog>>());
    });

    /// <exception cref="OptionsValidationException">A setting does not exist, or has a value of the wrong type.</exception>
    private static void Bind(MetaRouterOptions options, IConfiguration? configuration)
    {
        if (configuration?.GetSection(MetaRouterOptions.Section) is not { } section)
        {
            return;
        }

        var copy = SettingsBinder.Copy(section, p => p.Value is not null && !p.Key.StartsWith(Client, StringComparison.OrdinalIgnoreCase));
        var problems = new List<string>();
        SettingsBinder.Bind<MetaRouterOptions>(copy, MetaRouterOptions.Section, problems);
        if (problems.Count > 0)
        {
            throw new OptionsValidationException(Options.DefaultName, typeof(MetaRouterOptions), problems);
        }

        section.Bind(options);
    }

    private static IUserStore OpenStore(MetaRouterOptions options, TimeProvider time, ILoggerFactory logs)
    {
        var store = StoreAddress.Parse(options.Store);
        return store.Kind switch
        {
            StoreKind.Memory => new MemoryUserStore(),
            StoreKind.Redis => OpenRedis(store.Place, options.RedisPrefix, logs.CreateLogger<RedisUserStore>()),
            _ => OpenSqlite(store.Place, options.SetTornStoreAside, time, logs.CreateLogger<SqliteUserStore>()),
        };
    }

    private static RedisUserStore OpenRedis(string address, string prefix, ILogger logger)
    {
        var redis = RedisUserStore.Open(address, prefix);
        redis.CheckRights();
        LogDurability(logger, redis.IsDurable ? LogLevel.Information : LogLevel.Warning, redis.Durability);
        return redis;
    }

    private static SqliteUserStore OpenSqlite(string path, bool setsTornAside, TimeProvider time, ILogger logger)
    {
        try
        {
            return SqliteUserStore.Open(path);
        }
        catch (StoreException e) when (e.IsTorn && setsTornAside)
        {
            var aside = SqliteFile.SetAside(path, time.GetUtcNow());
            LogSetAside(logger, aside, e.Message);
            return SqliteUserStore.Open(path);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "The store is torn and was set aside as '{Aside}', untouched; what was learned of users is in there, "
            + "and routing goes on with a new store, each user as a new one. Restore a backup in its place if there is one. {Reason}")]
    private static partial void LogSetAside(ILogger logger, string aside, string reason);

    [LoggerMessage(Message = "The Redis store: {Durability}.")]
    private static partial void LogDurability(ILogger logger, LogLevel level, string durability);

    private sealed class Validator : IValidateOptions<MetaRouterOptions>
    {
        public ValidateOptionsResult Validate(string? name, MetaRouterOptions options) =>
            options.Problems() is { Count: > 0 } problems ? ValidateOptionsResult.Fail($"{MetaRouterOptions.Section}: {string.Join("; ", problems)}.") : ValidateOptionsResult.Success;
    }
}
