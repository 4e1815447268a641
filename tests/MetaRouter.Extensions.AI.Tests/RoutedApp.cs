using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Tests;
using MetaRouter.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenAI;
using IRouter = MetaRouter.Core.Routing.IRouter;

namespace MetaRouter.Extensions.AI.Tests;

/// <summary>An application with the router in its process, over SQLite, and official OpenAI clients of two real servers; a third model of the catalog has no client.</summary>
internal sealed class RoutedApp : IAsyncDisposable
{
    public const string Strong = "gpt-4o-2024-05-13", Weak = "mixtral-8x7b-instruct", Unserved = "gpt-4o-mini-2024-07-18", Question = "What is 7 times 8?";

    private readonly TemporaryFolder _folder = new();

    public required ScriptedUpstream StrongServer { get; init; }

    public required ScriptedUpstream WeakServer { get; init; }

    public IHost Host { get; private set; } = null!;

    /// <summary>What the application would be given.</summary>
    public IChatClient Client => Host.Services.GetRequiredService<IChatClient>();

    public IRouter Router => Host.Services.GetRequiredService<IRouter>();

    /// <param name="more">Settings of the routed client beyond the two clients.</param>
    /// <param name="then">Registrations after it.</param>
    /// <param name="settings">Of the configuration.</param>
    /// <param name="wrap">What a model's client is put into.</param>
    public static async Task<RoutedApp> StartAsync(Action<RoutedChatOptions>? more = null, Action<IServiceCollection>? then = null, (string Name, string Value)[]? settings = null, Func<string, IChatClient, IChatClient>? wrap = null)
    {
        var app = new RoutedApp { StrongServer = await ScriptedUpstream.StartAsync("strong"), WeakServer = await ScriptedUpstream.StartAsync("weak") };
        var builder = Builder(app._folder);
        foreach (var (name, value) in settings ?? [])
        {
            builder.Configuration[name] = value;
        }

        builder.Services.AddRoutedChatClient(models =>
        {
            foreach (var (model, server, deployment) in new[] { (Strong, app.StrongServer, "strong-deployment"), (Weak, app.WeakServer, "weak-deployment") })
            {
                models.Add(model, _ => wrap is null ? OpenAi(server, deployment) : wrap(model, OpenAi(server, deployment)));
            }

            more?.Invoke(models);
        });
        then?.Invoke(builder.Services);
        app.Host = builder.Build();
        await app.Host.StartAsync();
        return app;
    }

    /// <summary>The router alone, which explores nothing, so that what it chooses is known.</summary>
    public static HostApplicationBuilder Builder(TemporaryFolder folder)
    {
        var builder = new HostApplicationBuilder();
        builder.Logging.ClearProviders();
        (string Id, string Input, string Output)[] models = [(Strong, "5", "15"), (Weak, "0.5", "0.5"), (Unserved, "0.15", "0.6")];
        for (var i = 0; i < models.Length; i++)
        {
            builder.Configuration[$"MetaRouter:Models:{i}:Id"] = models[i].Id;
            builder.Configuration[$"MetaRouter:Models:{i}:InputPrice"] = models[i].Input;
            builder.Configuration[$"MetaRouter:Models:{i}:OutputPrice"] = models[i].Output;
        }

        builder.Services.AddMetaRouter(o => (o.Store, o.DecisionLog, o.ExplorationShare) = ("sqlite:" + folder.File("users.db"), folder.File("decisions"), 0));
        return builder;
    }

    /// <summary>OpenAI's own client, which asks once: another model is the second try.</summary>
    public static IChatClient OpenAi(ScriptedUpstream server, string deployment) => OpenAi(new Uri(server.Url), deployment);

    public static IChatClient OpenAi(Uri server, string deployment) => new OpenAIClient(
        new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = server, RetryPolicy = new ClientRetryPolicy(0) }).GetChatClient(deployment).AsIChatClient();

    public ScriptedUpstream ServerOf(string? model) => model == Strong ? StrongServer : model == Weak ? WeakServer : throw new ArgumentOutOfRangeException(nameof(model), model, "No server.");

    public ScriptedUpstream OtherThan(string? model) => ServerOf(model == Strong ? Weak : Strong);

    /// <summary>Who answers somebody nobody knows.</summary>
    public async Task<string> UsualAsync() => (await Client.GetResponseAsync(Question)).ModelId!;

    public ValueTask<FeedbackResult> SayAsync(string user, string? receipt, FeedbackKind kind, byte value, string tenant = "default") =>
        Router.LearnAsync(tenant, user, new Feedback(receipt.ShouldNotBeNull(), kind, value));

    /// <summary>The decision log's lines, once the application has written them.</summary>
    public async Task<JsonElement[]> StopAsync()
    {
        await Host.StopAsync();
        return [.. File.ReadAllLines(_folder.File("decisions")).Select(l => JsonDocument.Parse(l).RootElement)];
    }

    public async ValueTask DisposeAsync()
    {
        await Host.StopAsync();
        await ((IAsyncDisposable)Host).DisposeAsync();
        await StrongServer.DisposeAsync();
        await WeakServer.DisposeAsync();
        _folder.Dispose();
    }
}
