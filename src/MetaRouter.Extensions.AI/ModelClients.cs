using System.Runtime.ExceptionServices;
using MetaRouter.Core.Catalog;
using MetaRouter.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MetaRouter.Extensions.AI;

/// <summary>
/// The models' own clients. A call goes to the first that is not left alone; when that throws before its answer has begun, to the next, until one answers or the
/// attempts are used up. An answer that has begun is never begun again elsewhere: somebody has seen it and pays for it.
/// </summary>
internal sealed partial class ModelClients(IReadOnlyDictionary<ModelId, IChatClient> clients, RoutedChatOptions options, TimeProvider time, ILogger logger) : IDisposable
{
    private readonly Dictionary<ModelId, Model> _models = clients.ToDictionary(
        c => c.Key,
        c => new Model(c.Key, c.Value, new Circuit(time, options.CircuitFailures, TimeSpan.FromSeconds(options.CircuitSeconds))));

    private int _disposed;

    public IReadOnlySet<ModelId> Served { get; } = clients.Keys.ToHashSet();

    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <exception cref="OptionsValidationException">The clients do not fit the catalog, or another option is wrong; every problem is named.</exception>
    public static ModelClients Create(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<RoutedChatOptions>>().Value;
        Refuse(options.Problems(services.GetRequiredService<PoolHolder>().Current.Catalog));
        var clients = options.Clients.ToDictionary(c => new ModelId(c.Model), c => c.Make(services));
        Refuse([.. clients.Where(c => c.Value is null).Select(c => $"the client made for '{c.Key}' is null; return one, or leave the model out")]);
        return new ModelClients(clients, options, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<RoutedChatClient>>());

        static void Refuse(IReadOnlyList<string> problems)
        {
            if (problems.Count > 0)
            {
                throw new OptionsValidationException(nameof(RoutedChatOptions), typeof(RoutedChatOptions), [$"The routed chat client: {string.Join("; ", problems)}."]);
            }
        }
    }

    /// <summary>The models that are being left alone; null: none. When that is every one of them, none: trying is better than refusing.</summary>
    public IReadOnlySet<ModelId>? Unhealthy()
    {
        var open = _models.Values.Count(m => m.Circuit.IsOpen);
        return open == 0 || open == _models.Count ? null : _models.Values.Where(m => m.Circuit.IsOpen).Select(m => m.Id).ToHashSet();
    }

    /// <returns>Null: no model of that name has a client.</returns>
    public ModelId? Find(string? name) => _models.Values.FirstOrDefault(m => m.Id.Value == name)?.Id;

    public IChatClient Of(ModelId model) => _models[model].Client;

    /// <summary>Asks the models in turn until one answers.</summary>
    /// <param name="order">1 or more; those after the first are not asked for before it has failed.</param>
    /// <param name="ask">Throws while another model can still take over.</param>
    /// <returns>Who answered, with the answer or its beginning.</returns>
    public async Task<(ModelId Model, T Answer)> AskAsync<T>(IAsyncEnumerable<ModelId> order, Func<IChatClient, Task<T>> ask, CancellationToken cancellationToken)
    {
        var (first, failed, hasAnswer) = (default(ExceptionDispatchInfo), new List<(Model, int)>(), false);
        try
        {
            await foreach (var (model, probe) in WillingAsync(order).Take(options.MostAttempts).ConfigureAwait(false))
            {
                try
                {
                    var answer = await ask(model.Client).ConfigureAwait(false);
                    model.Circuit.Begin();
                    hasAnswer = true;
                    return (model.Id, answer);
                }
                catch (Exception e) when (!cancellationToken.IsCancellationRequested && options.FailsOver(e))
                {
                    LogFailed(model.Id.Value, e.GetType());
                    first ??= ExceptionDispatchInfo.Capture(e);
                    failed.Add((model, probe));
                }
                catch
                {
                    model.Circuit.Leave(probe); // else a circuit that this call was to try would wait for its answer for ever
                    throw;
                }
            }

            first!.Throw();
            throw first.SourceException;
        }
        finally
        {
            // What nobody answers is as likely the request's fault: it must not have all of them left alone.
            foreach (var (model, probe) in failed)
            {
                if (hasAnswer)
                {
                    Fail(model, probe);
                }
                else
                {
                    model.Circuit.Leave(probe);
                }
            }
        }
    }

    /// <summary>The answer has come to its end.</summary>
    public void Ended(ModelId model) => _models[model].Circuit.Succeed();

    /// <summary>A failure in the middle of an answer counts against its client as well.</summary>
    public void BrokeOff(ModelId model, Exception why)
    {
        LogFailed(model.Value, why.GetType());
        Fail(_models[model], 0);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        foreach (var model in _models.Values)
        {
            model.Client.Dispose();
        }
    }

    /// <summary>Those that are not left alone; where all are, the first: trying is better than refusing.</summary>
    private async IAsyncEnumerable<(Model Model, int Probe)> WillingAsync(IAsyncEnumerable<ModelId> order)
    {
        var (first, isNone) = (default(Model), true);
        await foreach (var id in order.ConfigureAwait(false))
        {
            var model = _models[id];
            first ??= model;
            if (model.Circuit.TryEnter(out var probe))
            {
                isNone = false;
                yield return (model, probe);
            }
        }

        if (isNone)
        {
            yield return (first!, 0);
        }
    }

    private void Fail(Model model, int probe)
    {
        if (model.Circuit.Fail(probe))
        {
            LogOpened(model.Id.Value, model.Circuit.Until);
        }
    }

    /// <summary>By its type alone: some providers repeat the prompt in what they say, or part of the key.</summary>
    [LoggerMessage(Level = LogLevel.Warning, Message = "The client of {Model} failed: {Exception}")]
    private partial void LogFailed(string model, Type exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The client of {Model} is left alone until {Until:O}.")]
    private partial void LogOpened(string model, DateTimeOffset until);

    private sealed record Model(ModelId Id, IChatClient Client, Circuit Circuit);
}
