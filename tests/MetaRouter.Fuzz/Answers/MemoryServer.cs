using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace MetaRouter.Fuzz.Answers;

/// <summary>In the place of Kestrel: the gateway's whole pipeline without a connection, for the many inputs that a network would be too slow for.</summary>
internal sealed class MemoryServer : IServer
{
    private Func<IFeatureCollection, Task>? _process;

    public IFeatureCollection Features { get; } = new FeatureCollection();

    public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        _process = features => ProcessAsync(application, features);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<Exchange> PostAsync(string path, byte[] body, params (string Name, string Value)[] headers)
    {
        var exchange = new Exchange(leavesAtErrors: path.EndsWith("/chat/completions", StringComparison.Ordinal));
        var request = new HttpRequestFeature { Method = "POST", Scheme = "http", Protocol = "HTTP/1.1", Path = path, RawTarget = path, Body = new MemoryStream(body) };
        request.Headers.Host = "127.0.0.1";
        request.Headers.ContentLength = body.Length;
        request.Headers.ContentType = "application/json";
        foreach (var (name, value) in headers)
        {
            request.Headers[name] = value;
        }

        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(request);
        features.Set<IHttpResponseFeature>(exchange);
        features.Set<IHttpResponseBodyFeature>(exchange);
        features.Set<IHttpRequestLifetimeFeature>(exchange);
        await _process!(features);
        return exchange;
    }

    public void Dispose()
    {
    }

    private static async Task ProcessAsync<TContext>(IHttpApplication<TContext> application, IFeatureCollection features)
        where TContext : notnull
    {
        var (context, failure) = (application.CreateContext(features), default(Exception));
        try
        {
            await application.ProcessRequestAsync(context);
            await features.GetRequiredFeature<IHttpResponseBodyFeature>().CompleteAsync();
        }
        catch (Exception e)
        {
            failure = e;
            throw;
        }
        finally
        {
            application.DisposeContext(context, failure);
        }
    }
}
