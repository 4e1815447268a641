using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace MetaRouter.Extensions.AI;

/// <summary>Adds a routed chat client to an application.</summary>
public static class RoutedChatServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="RoutedChatClient"/>, which is the application's <see cref="IChatClient"/> unless it has one already. It needs a router beside it:
    /// <c>AddMetaRouter</c>, or the cluster's client. What is wrong with it is reported at start, all at once, and the application does not start with it.
    /// </summary>
    /// <param name="configure">Adds the models' clients. A second call only configures further.</param>
    public static IServiceCollection AddRoutedChatClient(this IServiceCollection services, Action<RoutedChatOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.Configure(configure);
        if (services.Any(s => s.ServiceType == typeof(RoutedChatClient)))
        {
            return services;
        }

        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(ModelClients.Create);
        services.AddSingleton(RoutedChatClient.Create);
        services.TryAddSingleton<IChatClient>(s => s.GetRequiredService<RoutedChatClient>());
        services.AddHostedService<Start>();
        return services;
    }

    /// <summary>Makes the client with the application, so that what is wrong with it is not found by its first user.</summary>
    private sealed class Start(IServiceProvider services) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            services.GetRequiredService<RoutedChatClient>();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
