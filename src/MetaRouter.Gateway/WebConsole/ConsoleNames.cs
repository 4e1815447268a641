using System.Collections.Concurrent;
using System.Globalization;
using MetaRouter.Core.Users;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>The console's names: users go by a pseudonym that cannot be made from an id without the deployment's secret.</summary>
internal sealed class ConsoleNames
{
    private readonly ConcurrentDictionary<ulong, string> _shown = new();

    /// <summary>Shows the real name of a user who is no person: the demo's.</summary>
    public void Show(ulong user, string name) => _shown[user] = name;

    public string? NameOf(ulong user) => _shown.GetValueOrDefault(user);

    /// <summary>Null: no user.</summary>
    public static string? Pseudonym(ulong user) => user == 0 ? null : (user >> 24).ToString("x10", CultureInfo.InvariantCulture);

    public static string Of(JournalReason reason) => reason switch
    {
        JournalReason.FailOver => "fail_over",
        JournalReason.Requested => "requested",
        JournalReason.Off => "off",
        _ => Core.Routing.DecisionReasonNames.Of((Core.Routing.DecisionReason)(byte)reason),
    };

    /// <summary>A signal's value as the API takes it.</summary>
    public static string Of(FeedbackKind kind, byte value, bool withdrawn) => withdrawn ? "withdrawn" : kind switch
    {
        FeedbackKind.Comparison => value == 1 ? "chosen" : "offered",
        FeedbackKind.Thumb => value == 1 ? "up" : "down",
        FeedbackKind.SwitchModel => value == 1 ? "cheaper" : "dearer",
        FeedbackKind.TaskSuccess => value == 1 ? "true" : "false",
        FeedbackKind.Rating => value.ToString(CultureInfo.InvariantCulture),
        _ => "",
    };
}
