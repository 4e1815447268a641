using System.Diagnostics;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Messages;

/// <summary><c>POST /v1/messages</c>: Anthropic's API over the same routing and the same upstreams as OpenAI's.</summary>
internal sealed class MessagesEndpoint(ChatEndpoint chat, RoutedNames names, PoolHolder pool, Upstreams upstreams, GatewaySettings settings) : IEndpoints
{
    public const string Path = "/v1/messages";

    /// <summary>Some upstream takes requests as they came; where none does, a form for it would be read and never sent.</summary>
    private readonly bool _isTaken = settings.Upstreams.Any(u => u.Messages);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Path, MessageAsync).WithMetadata(NeedsScope.Inference);
        routes.MapPost(Path + "/count_tokens", CountAsync).WithMetadata(NeedsScope.Inference);
    }

    private async Task MessageAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        var controls = ChatControls.Read(context.Request.Headers);
        await chat.AnswerAsync(context, started, controls, await ReadAsync(context, needsLimit: true).ConfigureAwait(false), MessagesForm.Instance).ConfigureAwait(false);
    }

    /// <summary>Estimated as for budgets: no model has been chosen, and upstreams count only what they answer.</summary>
    private async Task CountAsync(HttpContext context)
    {
        var body = await ReadAsync(context, needsLimit: false).ConfigureAwait(false);
        var catalog = pool.Current.Catalog;
        upstreams.Able(body.Forwarded, catalog, allowed: null, names.Read(body.Model, catalog) is null ? names.Model(body.Model, catalog) : null);
        await Answers.WriteAsync(context, new TokenCountAnswer(body.Asked.Tokens)).ConfigureAwait(false);
    }

    private async ValueTask<ChatBody> ReadAsync(HttpContext context, bool needsLimit)
    {
        var bytes = await RequestBody.ReadChatAsync(context, settings.Gateway).ConfigureAwait(false);
        var (chat, session, turn, refusal) = RequestBody.AsText(() => MessagesRequest.ToChat(bytes, needsLimit));
        var body = ChatBody.ReadTranslated(chat, turn, session);
        var isMadeUp = session is not null && Edge.CallerOf(context).User is not null; // an agent that puts its session into the id made the id up, too: beside a key's user it names nobody
        return body with { User = isMadeUp ? null : body.User, UserField = "metadata.user_id", Forwarded = body.Forwarded with { Messages = _isTaken ? AsItCame(context, bytes, body.Streams) : null, Refusal = refusal } };
    }

    private static UpstreamBody AsItCame(HttpContext context, byte[] bytes, bool streams) =>
        new(UpstreamApi.Messages, bytes, RequestBody.AsText(() => JsonSplice.Find(bytes, "model"u8).Value), streams) { Headers = [.. MessagesHeaders.Of(context.Request.Headers)] };
}
