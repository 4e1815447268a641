using System.Diagnostics;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Messages;

/// <summary><c>POST /v1/messages</c>: Anthropic's API over the same routing and the same upstreams as OpenAI's.</summary>
internal sealed class MessagesEndpoint(ChatEndpoint chat, GatewaySettings settings)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/messages", MessageAsync).WithMetadata(new NeedsScope(Scope.Inference, "inference"), new SpeaksAnthropic());

    private async Task MessageAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        var controls = ChatControls.Read(context.Request.Headers);
        var bytes = await RequestBody.ReadAsync(context, settings.Gateway.ChatBodyBytes, "Gateway:ChatBodyBytes").ConfigureAwait(false);
        var body = ChatBody.Read(RequestBody.AsText(() => MessagesRequest.ToChat(bytes)));
        await chat.AnswerAsync(context, started, controls, body, MessagesForm.Instance).ConfigureAwait(false);
    }
}
