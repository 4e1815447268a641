using Microsoft.Extensions.AI;

namespace MetaRouter.Extensions.AI;

/// <summary>Who answered and why.</summary>
/// <param name="Model">As the catalog names it.</param>
/// <param name="Receipt">What feedback on the answer is sent with; null: the model was named, and nothing was decided.</param>
/// <param name="Reason"><c>best_for_user</c>, <c>best_for_dial</c>, <c>explored</c>, <c>only_allowed</c>, <c>fail_over</c> or <c>requested</c>.</param>
/// <param name="Explanation">The same for a person, with what was expected of the model and of the next best.</param>
public sealed record RoutedAnswer(string Model, string? Receipt, string Reason, string? Explanation)
{
    /// <summary>Null: no routed client answered. Survives serialisation, after which values are no strings any more.</summary>
    internal static RoutedAnswer? Read(AdditionalPropertiesDictionary? properties) =>
        Text(properties, RoutedChatKeys.Model) is { } model
            ? new(model, Text(properties, RoutedChatKeys.Receipt), Text(properties, RoutedChatKeys.Reason) ?? "", Text(properties, RoutedChatKeys.Explanation))
            : null;

    internal AdditionalPropertiesDictionary Write(AdditionalPropertiesDictionary? properties)
    {
        properties ??= [];
        (properties[RoutedChatKeys.Model], properties[RoutedChatKeys.Reason]) = (Model, Reason);
        if (Receipt is not null)
        {
            (properties[RoutedChatKeys.Receipt], properties[RoutedChatKeys.Explanation]) = (Receipt, Explanation);
        }

        return properties;
    }

    internal static string? Text(AdditionalPropertiesDictionary? properties, string key) =>
        properties?.GetValueOrDefault(key)?.ToString() is { Length: > 0 } text ? text : null;
}
