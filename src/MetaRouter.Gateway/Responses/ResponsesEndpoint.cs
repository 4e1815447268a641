using System.Diagnostics;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Responses;

/// <summary><c>POST /v1/responses</c>: OpenAI's Responses API over the same routing and the same upstreams as its chat completions. No answer and no conversation is kept.</summary>
internal sealed class ResponsesEndpoint(ChatEndpoint chat, RoutedNames names, PoolHolder pool, TimeProvider time, GatewaySettings settings) : IEndpoints
{
    private const string Path = "/v1/responses";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Path, RespondAsync).WithMetadata(NeedsScope.Inference);
        routes.MapPost(Path + "/input_tokens", CountAsync).WithMetadata(NeedsScope.Inference);
        routes.MapPost(Path + "/compact", NotOffered).WithMetadata(NeedsScope.Inference);
        routes.MapRead(Path + "/{id}", NotKept).WithMetadata(NeedsScope.Inference);
        routes.MapDelete(Path + "/{id}", NotKept).WithMetadata(NeedsScope.Inference);
        routes.MapPost(Path + "/{id}/cancel", NotKept).WithMetadata(NeedsScope.Inference);
        routes.MapRead(Path + "/{id}/input_items", NotKept).WithMetadata(NeedsScope.Inference);
    }

    private async Task RespondAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        var controls = ChatControls.Read(context.Request.Headers);
        var (body, echo) = await ReadAsync(context).ConfigureAwait(false);
        await chat.AnswerAsync(context, started, controls, body, new ResponsesForm(echo, settings.Gateway.UpstreamBodyBytes, time)).ConfigureAwait(false);
    }

    private async Task CountAsync(HttpContext context)
    {
        var (body, _) = await ReadAsync(context).ConfigureAwait(false);
        names.CheckKnown(body.Model, pool.Current.Catalog);
        await Answers.WriteAsync(context, new InputTokensAnswer("response.input_tokens", body.Asked.Tokens)).ConfigureAwait(false);
    }

    private static Task NotKept(HttpContext context) => throw new ApiException(
        404, ErrorCodes.InvalidRequest, "response_not_kept",
        "No answers are kept here, so none can be read, deleted or cancelled by its id; "
            + "use what POST /v1/responses returned (\"store\": false). Its id serves for feedback: POST /v1/router/feedback.", "id");

    private static Task NotOffered(HttpContext context) => throw new ApiException(
        404, ErrorCodes.InvalidRequest, "unknown_url",
        "Conversations are not compacted here: upstreams know no such call. Send less of the conversation, or a summary that a model wrote (POST /v1/responses).");

    private async ValueTask<(ChatBody Body, ResponsesEcho Echo)> ReadAsync(HttpContext context)
    {
        var bytes = await RequestBody.ReadChatAsync(context, settings.Gateway).ConfigureAwait(false);
        var (chat, echo, turn) = RequestBody.AsText(() => ResponsesRequest.ToChat(bytes));
        return (ChatBody.ReadTranslated(chat, turn), echo);
    }
}
