using System.Diagnostics;
using System.Runtime.CompilerServices;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MetaRouter.Extensions.AI;

/// <summary>
/// A chat client that asks the router which model this user would have chosen, and has that model's own client answer. <c>ChatOptions.ModelId</c> is null or one of
/// <see cref="Dial"/>'s names, or a model's id, which is then not routed; the user and what else is told with a call is in <see cref="RoutedChatKeys"/>.
/// The answer tells who gave it, and its receipt, by which feedback finds its way back to the decision.
/// </summary>
/// <remarks>
/// When a client throws before the first of its answer, the next best model is asked; never after, and never in the place of a model that was named. A turn that
/// tools interrupt stays with the model that began it, under one receipt, as long as that answers, and a conversation that a provider keeps with that provider's
/// model: what one put there the others cannot read.
/// </remarks>
public sealed class RoutedChatClient : IChatClient
{
    /// <summary>As long as providers are known to keep prompts.</summary>
    private static readonly TimeSpan SessionMemory = TimeSpan.FromMinutes(5);

    private static readonly ChatClientMetadata Metadata = new("metarouter", null, Dial.Auto);
    private static readonly ChatRole Developer = new("developer");

    private readonly RoutedChatOptions _options;
    private readonly ModelClients _models;
    private readonly IEdgeRouter _router;
    private readonly RoutingPolicy _policy;
    private readonly PoolHolder _pool;
    private readonly Sessions _sessions;
    private readonly DecisionLog? _log;

    private RoutedChatClient(RoutedChatOptions options, ModelClients models, IEdgeRouter router, IServiceProvider services)
    {
        (_options, _models, _router) = (options, models, router);
        _policy = services.GetRequiredService<RoutingPolicy>();
        _pool = services.GetRequiredService<PoolHolder>();
        _sessions = new Sessions(
            services.GetService<ISharedState>() ?? new MemorySharedState(services.GetRequiredService<TimeProvider>()),
            services.GetRequiredService<RouterSecrets>(), SessionMemory);
        _log = services.GetService<DecisionLog>(); // a client of a cluster has none: silos log what they decide
    }

    /// <exception cref="InvalidOperationException">There is no router.</exception>
    /// <exception cref="OptionsValidationException">As <see cref="ModelClients.Create"/>.</exception>
    internal static RoutedChatClient Create(IServiceProvider services)
    {
        var router = services.GetService<IEdgeRouter>()
            ?? throw new InvalidOperationException("A routed chat client needs a router. Add one: services.AddMetaRouter(), or builder.AddMetaRouterClusterClient() for a cluster.");
        return new RoutedChatClient(services.GetRequiredService<IOptions<RoutedChatOptions>>().Value, services.GetRequiredService<ModelClients>(), router, services);
    }

    /// <exception cref="ArgumentException">The model that is named has no client, or no model of this client's keeps the conversation.</exception>
    /// <exception cref="NoModelAllowedException">The guardrails leave no model.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var turn = await BeginAsync(messages, options, streams: false, cancellationToken).ConfigureAwait(false);
        var (model, response) = await AskAsync(turn, (client, handed) => client.GetResponseAsync(turn.Messages, handed, cancellationToken), cancellationToken).ConfigureAwait(false);
        _models.Ended(model);
        var answer = turn.Answer(model, _policy);
        response.ModelId = answer.Model;
        response.ConversationId = RoutedTurn.Kept(model, response.ConversationId);
        response.AdditionalProperties = answer.Write(response.AdditionalProperties);
        foreach (var message in response.Messages)
        {
            message.AdditionalProperties = answer.Write(message.AdditionalProperties); // by which the turn is known when the tools it calls have answered
        }

        await EndAsync(turn, model, response.Usage, ChatReading.AnswerBytes(response.Messages.SelectMany(m => m.Contents))).ConfigureAwait(false);
        return response;
    }

    /// <inheritdoc cref="GetResponseAsync"/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var turn = await BeginAsync(messages, options, streams: true, cancellationToken).ConfigureAwait(false);
        var (model, updates) = await AskAsync(
            turn,
            (client, handed) => FirstAsync(client.GetStreamingResponseAsync(turn.Messages, handed, cancellationToken), cancellationToken),
            cancellationToken).ConfigureAwait(false);
        await using var ends = updates.ConfigureAwait(false);
        var answer = turn.Answer(model, _policy);
        var (usage, bytes) = (default(UsageDetails), 0L);
        try
        {
            do
            {
                var update = updates.Current;
                foreach (var content in update.Contents.OfType<UsageContent>())
                {
                    (usage ??= new()).Add(content.Details);
                }

                bytes += ChatReading.AnswerBytes(update.Contents);
                update.ModelId = answer.Model;
                update.ConversationId = RoutedTurn.Kept(model, update.ConversationId);
                update.AdditionalProperties = answer.Write(update.AdditionalProperties);
                if (string.IsNullOrEmpty(update.MessageId))
                {
                    // What such updates tell is not told by the message that is made of them, and would not be known when the tools it calls have answered.
                    foreach (var call in update.Contents.OfType<FunctionCallContent>())
                    {
                        call.AdditionalProperties = answer.Write(call.AdditionalProperties);
                    }
                }

                yield return update;
            }
            while (await NextAsync(model, updates, cancellationToken).ConfigureAwait(false));
            _models.Ended(model);
        }
        finally
        {
            // Also of a stream its reader left: what was produced until then is paid for.
            await EndAsync(turn, model, usage, bytes).ConfigureAwait(false);
        }
    }

    /// <returns>The client itself, its metadata or its router; with a model's id as the key, what that model's client gives.</returns>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? _models.Find(serviceKey as string) is { } model ? _models.Of(model).GetService(serviceType) : null
            : serviceType == typeof(ChatClientMetadata) ? Metadata
            : serviceType == typeof(IRouter) ? _router
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Does nothing: the pipelines it is in, of a scope or a request, end before it does. The models' clients are disposed of with the application's services.</summary>
    public void Dispose()
    {
    }

    private async ValueTask<RoutedTurn> BeginAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, bool streams, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ObjectDisposedException.ThrowIf(_models.IsDisposed, this);
        ChatMessage[] said = [.. messages];
        var (asked, needs) = ChatReading.Read(said, options, streams);
        var (tenant, user) = (Told(RoutedChatKeys.Tenant) ?? _options.Tenant, Limited(RoutedChatKeys.User, "A user's id"));
        var session = Limited(RoutedChatKeys.Session, "A conversation's name") is { } name ? _sessions.NameOf(tenant, user, name, ChatReading.Beginning(said, options)) : null;
        var (named, lambda) = ModelOf(options);
        if (named is { } only)
        {
            return new(said, options, asked, session) { Order = AsyncEnumerable.Repeat(only, 1) };
        }

        if (Begun(said) is { } begun && _models.Find(begun.Model) is { } first)
        {
            var turn = new RoutedTurn(said, options, asked, session) { Begun = begun, Order = AsyncEnumerable.Repeat(first, 1) };
            turn.Order = turn.Order.Concat(OthersAsync(turn, () => DecideAsync(first)));
            return turn;
        }

        var decision = await DecideAsync().ConfigureAwait(false);
        return new(said, options, asked, session) { Decision = decision, Order = decision.InTurn.ToAsyncEnumerable() };

        async ValueTask<RouteDecision> DecideAsync(ModelId? without = null)
        {
            var request = new RouteRequest(asked.Text)
            {
                PromptTokens = asked.PromptTokens,
                LambdaCost = lambda,
                Warm = session is null ? null : await _sessions.RecallAsync(session, cancellationToken).ConfigureAwait(false),
                Needs = needs with { AllowedModels = without is { } failed ? _models.Served.Where(m => m != failed).ToHashSet() : _models.Served, UnhealthyModels = _models.Unhealthy() },
            };
            return user is null
                ? await _router.DecideAnonymousAsync(tenant, request, cancellationToken).ConfigureAwait(false)
                : await _router.DecideAsync(tenant, user, request, cancellationToken).ConfigureAwait(false);
        }

        string? Told(string key) => RoutedAnswer.Text(options?.AdditionalProperties, key);

        string? Limited(string key, string what) => Told(key) is not { } text ? null
            : text.Length <= RoutedChatKeys.MaxLength ? text
            : throw new ArgumentException($"{what} ({key}) has {text.Length} characters; it has at most {RoutedChatKeys.MaxLength}. Send a hash of it.", nameof(options));
    }

    /// <summary>Who began the turn has failed: better another than none.</summary>
    private static async IAsyncEnumerable<ModelId> OthersAsync(RoutedTurn turn, Func<ValueTask<RouteDecision>> decide)
    {
        try
        {
            turn.Decision = await decide().ConfigureAwait(false);
        }
        catch (NoModelAllowedException)
        {
            yield break;
        }

        foreach (var model in turn.Decision.InTurn)
        {
            yield return model;
        }
    }

    /// <returns>The model that is named, or whose provider keeps the conversation; else the trade-off that is set by hand; neither: the user's own.</returns>
    private (ModelId? Named, double? Lambda) ModelOf(ChatOptions? options)
    {
        double? lambda = options?.ModelId switch
        {
            Dial.Quality => _options.QualityLambda,
            Dial.Balanced => _options.BalancedLambda,
            Dial.Cheap => _options.CheapLambda,
            _ => null,
        };
        if (lambda is null && options?.ModelId is { Length: > 0 } name and not Dial.Auto)
        {
            return (_models.Find(name) ?? throw new ArgumentException(
                $"The model '{name}' has no client here; name one of {string.Join(", ", _models.Served)}, or have it chosen: {Dial.Auto}, {Dial.Quality}, {Dial.Balanced} or {Dial.Cheap}.",
                nameof(options)), null);
        }

        return options?.ConversationId is not { } conversation ? (null, lambda)
            : (_models.Find(RoutedTurn.Keeper(options)?.Model) ?? throw new ArgumentException(
                $"The conversation '{conversation}' is none that this client told: a provider keeps it, and which one's is not known. "
                    + "Take it from ChatResponse.ConversationId, or name its model in ChatOptions.ModelId, or send the messages without it.",
                nameof(options)), null);
    }

    /// <summary>What was told of the turn whose tools have answered last, words of the system aside; null: a new turn begins.</summary>
    private static RoutedAnswer? Begun(ChatMessage[] said) =>
        said.LastOrDefault(m => m.Role != ChatRole.System && m.Role != Developer)?.Role == ChatRole.Tool
            ? Enumerable.Reverse(said).TakeWhile(m => m.Role != ChatRole.User)
                .SelectMany(m => m.Contents.OfType<FunctionCallContent>().Select(c => c.AdditionalProperties).Prepend(m.AdditionalProperties))
                .Select(RoutedAnswer.Read)
                .FirstOrDefault(a => a is not null)
            : null;

    private async Task<(ModelId Model, T Answer)> AskAsync<T>(RoutedTurn turn, Func<IChatClient, ChatOptions?, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await _models.AskAsync(turn.Order, client => ask(client, turn.Handed()), cancellationToken).ConfigureAwait(false);
        }
        catch when (turn.Decision is not null)
        {
            _log?.Offer(turn.Decision, new ServedCall("apply", null, false) { LatencySeconds = Stopwatch.GetElapsedTime(turn.Started).TotalSeconds });
            throw;
        }
    }

    /// <summary>Until its first update is here, another model can still take over.</summary>
    private static async Task<IAsyncEnumerator<ChatResponseUpdate>> FirstAsync(IAsyncEnumerable<ChatResponseUpdate> stream, CancellationToken cancellationToken)
    {
        var updates = stream.GetAsyncEnumerator(cancellationToken);
        try
        {
            return await updates.MoveNextAsync().ConfigureAwait(false) ? updates : throw new InvalidOperationException("The model's client ended its stream before it began.");
        }
        catch
        {
            await updates.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask<bool> NextAsync(ModelId model, IAsyncEnumerator<ChatResponseUpdate> updates, CancellationToken cancellationToken)
    {
        try
        {
            return await updates.MoveNextAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            _models.BrokeOff(model, e);
            throw;
        }
    }

    /// <summary>Notes what became of the decision, and who has the conversation's beginning in its prompt cache.</summary>
    /// <param name="usage">As the provider counted it; null, or without counts: it is estimated.</param>
    /// <param name="textBytes">As <see cref="ChatReading.AnswerBytes"/>.</param>
    private async ValueTask EndAsync(RoutedTurn turn, ModelId served, UsageDetails? usage, long textBytes)
    {
        var (prompt, completion, source) = (usage?.InputTokenCount ?? 0, usage?.OutputTokenCount ?? 0, "usage");
        if (prompt == 0 && completion == 0)
        {
            (prompt, completion, source) = (turn.Asked.Tokens, (textBytes + Conversation.BytesPerToken - 1) / Conversation.BytesPerToken, "counted");
        }

        if (turn.DecisionOf(served) is { } decision)
        {
            var catalog = _pool.Current.Catalog;
            _log?.Offer(decision, new ServedCall("apply", served, turn.IsFailOver(served))
            {
                CostUsd = catalog.TryFind(served, out var at) ? catalog.Models[at].CostUsd(prompt, completion, usage?.CachedInputTokenCount ?? 0) : null,
                CostSource = source,
                PromptTokens = prompt,
                CompletionTokens = completion,
                LatencySeconds = Stopwatch.GetElapsedTime(turn.Started).TotalSeconds,
            });
        }

        if (turn.Session is { } session)
        {
            await _sessions.RememberAsync(session, served, prompt).ConfigureAwait(false);
        }
    }
}
