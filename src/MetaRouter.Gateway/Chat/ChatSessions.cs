using System.Security.Cryptography;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Chat;

/// <summary>Which conversation a request is part of, and which turn of it; and who answered either last.</summary>
internal sealed class ChatSessions(Sessions sessions, GatewaySettings settings)
{
    /// <summary>The second is opencode's, which has no other name for a conversation where it speaks this API or Anthropic's.</summary>
    private const string SessionHeader = "x-router-session", AgentsSessionHeader = "x-session-id";

    private const int LongestName = 256;

    /// <summary>The name from our header, else from the body, else from the header that agents send on their own.</summary>
    /// <returns>Null: the request belongs to no session.</returns>
    /// <exception cref="ApiException">400: the session's name is too long.</exception>
    public string? NameOf(HttpContext context, string tenant, string? user, ChatBody body)
    {
        var (named, agents) = (context.Request.Headers[SessionHeader].ToString(), context.Request.Headers[AgentsSessionHeader].ToString());
        var session = named.Length > 0 ? named : body.CacheKey is { Length: > 0 } key ? key : (agents.Length <= LongestName ? agents : null);
        return settings.Gateway.SessionSeconds == 0 || string.IsNullOrEmpty(session) ? null
            : session.Length <= LongestName ? sessions.NameOf(tenant, user, session, body.Beginning.Span)
            : throw ApiException.BadValue(SessionHeader, $"The session's name has {session.Length} characters; it may have {LongestName}.");
    }

    /// <summary>Computed only when a turn goes on or a tool is called: it takes a pass over all the messages.</summary>
    public Lazy<string>? TurnOf(string tenant, string? user, ChatBody body) =>
        settings.Gateway.SessionSeconds == 0 || body.Turn.IsEmpty ? null : new(() => sessions.NameOf(tenant, user, Convert.ToHexString(SHA256.HashData(body.Turn.Span))));

    /// <returns>Who answered the conversation last, and has its beginning in the prompt cache; null: there is no conversation, or it was forgotten.</returns>
    public async ValueTask<WarmModel?> RecallAsync(ChatCall call) =>
        call.Session is { } session ? await sessions.RecallAsync(session, call.Context.RequestAborted).ConfigureAwait(false) : null;

    /// <returns>Who began the turn that this request continues; null: it continues none, or that was forgotten.</returns>
    public async ValueTask<WarmModel?> RecallTurnAsync(ChatCall call) =>
        call.Turn is { } turn && call.Body.GoesOn ? await sessions.RecallAsync(turn.Value, call.Context.RequestAborted).ConfigureAwait(false) : null;

    /// <summary>Notes who has the conversation's beginning in its prompt cache, and whose tools the turn now waits for.</summary>
    public async ValueTask RememberAsync(ChatCall call, ModelId served, TokenUsage tokens, bool callsTools)
    {
        if (call.Session is not null)
        {
            await sessions.RememberAsync(call.Session, served, tokens.Prompt).ConfigureAwait(false);
        }

        if (callsTools && call.Turn is { } turn)
        {
            await sessions.RememberAsync(turn.Value, served, tokens.Prompt).ConfigureAwait(false);
        }
    }
}
