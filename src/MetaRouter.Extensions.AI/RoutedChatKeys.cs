namespace MetaRouter.Extensions.AI;

/// <summary>What stands in <c>AdditionalProperties</c>. Part of the contract: never rename. Values are texts.</summary>
public static class RoutedChatKeys
{
    /// <summary>Characters that a user's id and a conversation's name may have, as at the gateway.</summary>
    public const int MaxLength = 256;

    /// <summary>Of <c>ChatOptions</c>: who asks, at most 256 characters. Without it the population's policy decides and nothing is stored.</summary>
    public const string User = "metarouter.user";

    /// <summary>Of <c>ChatOptions</c>: whose user that is; without it <see cref="RoutedChatOptions.Tenant"/>.</summary>
    public const string Tenant = "metarouter.tenant";

    /// <summary>
    /// Of <c>ChatOptions</c>: the conversation, at most 256 characters. For some minutes the model that answered it last is held to have its prompt cached, and
    /// going to another counts the tokens it would pay in full. Of one name, what begins otherwise, as a call for a title does, is another conversation.
    /// </summary>
    public const string Session = "metarouter.session";

    /// <summary>Of answers and their messages: a <see cref="RoutedAnswer"/>, part by part.</summary>
    public const string Model = "metarouter.model", Receipt = "metarouter.receipt", Reason = "metarouter.reason", Explanation = "metarouter.explanation";
}
