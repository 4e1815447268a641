using Microsoft.Extensions.AI;

namespace MetaRouter.Extensions.AI;

/// <summary>What is told a routed client with a call, and what its answers tell.</summary>
public static class RoutedChatExtensions
{
    /// <summary>Routes by what is believed of this user.</summary>
    /// <param name="user">1 to 256 characters.</param>
    /// <param name="tenant">Null: <see cref="RoutedChatOptions.Tenant"/>.</param>
    /// <returns>The same options.</returns>
    public static ChatOptions ForUser(this ChatOptions options, string user, string? tenant = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(user);
        return options.Set(RoutedChatKeys.User, user).Set(RoutedChatKeys.Tenant, tenant);
    }

    /// <summary>Names the conversation: see <see cref="RoutedChatKeys.Session"/>.</summary>
    /// <returns>The same options.</returns>
    public static ChatOptions InSession(this ChatOptions options, string session)
    {
        ArgumentException.ThrowIfNullOrEmpty(session);
        return options.Set(RoutedChatKeys.Session, session);
    }

    /// <summary>Null: no routed client answered. Of an answer of several messages, as there are when tools were called, the last decision.</summary>
    public static RoutedAnswer? GetRoute(this ChatResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        var told = response.Messages.Select(m => m.AdditionalProperties).Prepend(response.AdditionalProperties).Select(RoutedAnswer.Read).OfType<RoutedAnswer>().ToArray();
        return told.LastOrDefault(a => a.Receipt is not null) ?? told.LastOrDefault();
    }

    /// <inheritdoc cref="GetRoute(ChatResponse)"/>
    public static RoutedAnswer? GetRoute(this ChatResponseUpdate update)
    {
        ArgumentNullException.ThrowIfNull(update);
        return RoutedAnswer.Read(update.AdditionalProperties);
    }

    /// <summary>What feedback on the answer is sent with; null: nothing was decided.</summary>
    public static string? GetReceipt(this ChatResponse response) => response.GetRoute()?.Receipt;

    /// <inheritdoc cref="GetReceipt(ChatResponse)"/>
    public static string? GetReceipt(this ChatResponseUpdate update) => update.GetRoute()?.Receipt;

    private static ChatOptions Set(this ChatOptions options, string key, string? value)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (value is null)
        {
            options.AdditionalProperties?.Remove(key);
        }
        else
        {
            (options.AdditionalProperties ??= [])[key] = value;
        }

        return options;
    }
}
