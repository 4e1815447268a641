using MetaRouter.Gateway.Configuration;

namespace MetaRouter.Gateway;

/// <summary>What the program says when it has started.</summary>
internal static class Welcome
{
    public static string Text(WebApplication app)
    {
        var url = app.Urls.First();
        var settings = app.Services.GetRequiredService<GatewaySettings>();
        return settings.IsDemo ? Demo(url) : $"MetaRouter listens on {string.Join(", ", app.Urls)}.";
    }

    private static string Demo(string url) => $$"""
        MetaRouter listens on {{url}}.

        No upstream is configured: answers are SIMULATED, decisions and learning are real. Three things to try in another terminal:

        1. Route a request, and see what each model was expected to give:
           curl -s '{{url}}/v1/router/route?pretty' -H 'content-type: application/json' -d '{"user":"frugal","input":"Explain photosynthesis in two sentences."}'
        """;
}
