using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Demo;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Messages;
using MetaRouter.Gateway.Responses;
using MetaRouter.Gateway.Router;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway;

/// <summary>The gateway's own services, and its endpoints.</summary>
internal static class GatewayServices
{
    public static void AddGateway(this IServiceCollection services, GatewaySettings settings, IReadOnlyList<IConfigurationSource> sources)
    {
        services.AddSingleton(new ApiKeyRing(settings.ApiKeys));
        services.AddSingleton<GatewayMetrics>();
        services.AddSingleton<Tenants>();
        services.AddSingleton<RateLimits>();
        services.AddSingleton<ModelAccess>();
        services.AddSingleton<Budgets>();
        services.AddSingleton<ModeKeeper>();
        services.AddHostedService(s => s.GetRequiredService<ModeKeeper>());
        services.AddHostedService(s => ActivatorUtilities.CreateInstance<SettingsFollower>(s, sources));
        AddRouterApi(services);
        AddChat(services, settings);
        AddConsole(services);
        if (settings.Demo is { } demo)
        {
            services.AddSingleton(demo);
            services.AddSingleton<DemoTraffic>();
            services.AddHostedService(s => s.GetRequiredService<DemoTraffic>());
        }
    }

    private static void AddRouterApi(IServiceCollection services)
    {
        services.AddSingleton<UserDataReceipts>();
        services.AddSingleton<SavingsReports>();
        services.AddSingleton<OneSidedThumbs>();
        services.AddEndpoints<RoutingEndpoint>();
        services.AddEndpoints<FeedbackEndpoint>();
        services.AddEndpoints<UserEndpoints>();
        services.AddEndpoints<CatalogEndpoints>();
        services.AddEndpoints<OperatorEndpoints>();
        services.AddEndpoints<BackupEndpoint>();
        services.AddEndpoints<DecisionLogEndpoints>();
        services.AddSingleton<ReceiptLookup>();
        services.AddEndpoints<DecisionEndpoint>();
        services.AddEndpoints<BudgetEndpoint>();
    }

    private static void AddChat(IServiceCollection services, GatewaySettings settings)
    {
        services.AddSingleton<Upstreams>();
        services.AddSingleton<RoutedNames>();
        services.AddSingleton<ForwardedUsers>();
        services.AddSingleton(s => new Sessions(s.GetRequiredService<ISharedState>(), s.GetRequiredService<RouterSecrets>(), TimeSpan.FromSeconds(settings.Gateway.SessionSeconds)));
        services.AddSingleton<ChatSessions>();
        services.AddSingleton<ImplicitSignals>();
        services.AddSingleton<ChatLedger>();
        services.AddSingleton<AnswerLengths>();
        services.AddSingleton<RollOut>();
        services.AddSingleton<ChatChoice>();
        services.AddSingleton<ChatRelay>();
        services.AddSingleton<ChatDelivery>();
        services.AddSingleton<ChatComparison>();
        services.AddEndpoints<ChatEndpoint>();
        services.AddEndpoints<ResponsesEndpoint>();
        services.AddEndpoints<MessagesEndpoint>();
        services.AddEndpoints<EmbeddingsEndpoint>();
        services.AddEndpoints<ModelEndpoints>();
    }

    private static void AddConsole(IServiceCollection services)
    {
        services.AddSingleton<ConsoleRecorder>();
        services.AddSingleton<ConsoleNames>();
        services.AddSingleton<ConsoleRows>();
        services.AddSingleton<ConsoleFigures>();
        services.AddEndpoints<ConsoleEndpoints>();
        services.AddEndpoints<ConsoleEvents>();
        services.AddEndpoints<UserPages>();
        services.AddEndpoints<TenantPages>();
        services.AddEndpoints<LearningPages>();
        services.AddEndpoints<PlaygroundPages>();
    }

    private static void AddEndpoints<T>(this IServiceCollection services)
        where T : class, IEndpoints
    {
        services.AddSingleton<T>();
        services.AddSingleton<IEndpoints>(s => s.GetRequiredService<T>());
    }
}
