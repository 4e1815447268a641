using System.Diagnostics;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using Microsoft.Extensions.AI;

namespace MetaRouter.Extensions.AI;

/// <summary>One call on its way.</summary>
/// <param name="Session">Its name in shared state; null: the call belongs to none.</param>
internal sealed record RoutedTurn(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options, Conversation Asked, string? Session)
{
    public long Started { get; } = Stopwatch.GetTimestamp();

    /// <summary>Who is asked, in turn; 1 or more.</summary>
    public required IAsyncEnumerable<ModelId> Order { get; set; }

    /// <summary>Null: nothing was decided. The model was named, or it has begun the turn, and not failed, or keeps the conversation.</summary>
    public RouteDecision? Decision { get; set; }

    /// <summary>The decision that a model answers by; null: none. Who began the turn goes on with it, also where one was taken that others answer by, and none of them did.</summary>
    public RouteDecision? DecisionOf(ModelId served) => Begun?.Model == served.Value ? null : Decision;

    /// <summary>What the call told that began the turn; null: it begins now.</summary>
    public RoutedAnswer? Begun { get; init; }

    /// <summary>Which model's provider keeps the conversation, and what it calls it. This side calls it by both, so that it finds its way back.</summary>
    public static (string Model, string Conversation)? Keeper(ChatOptions? options) =>
        options?.ConversationId is { } id && id.IndexOf(' ', StringComparison.Ordinal) is > 0 and var space ? (id[..space], id[(space + 1)..]) : null;

    /// <inheritdoc cref="Keeper"/>
    public static string? Kept(ModelId model, string? conversation) => conversation is null ? null : $"{model} {conversation}";

    /// <summary>As the model's own client gets them, which knows its model's name and need not know who asks.</summary>
    public ChatOptions? Handed()
    {
        var options = Options?.Clone();
        if (options is not null)
        {
            (options.ModelId, options.ConversationId) = (null, Keeper(options)?.Conversation ?? options.ConversationId);
            foreach (var key in (string[])[RoutedChatKeys.User, RoutedChatKeys.Tenant, RoutedChatKeys.Session])
            {
                options.AdditionalProperties?.Remove(key);
            }
        }

        return options;
    }

    public bool IsFailOver(ModelId served) => DecisionOf(served) is { } decision && served != decision.Model;

    /// <param name="policy">Seals a receipt anew where another model than the chosen one answered.</param>
    public RoutedAnswer Answer(ModelId served, RoutingPolicy policy)
    {
        if (DecisionOf(served) is not { } decision)
        {
            return Begun ?? new(served.Value, null, DecisionReasonNames.Requested, null);
        }

        var (reason, why) = IsFailOver(served) ? (DecisionReasonNames.FailOver, $"{served} answers, since {decision.Model} failed. ") : (DecisionReasonNames.Of(decision.Reason), "");
        return new(served.Value, policy.ReceiptFor(decision, served), reason, why + Explanation.Of(decision));
    }
}
