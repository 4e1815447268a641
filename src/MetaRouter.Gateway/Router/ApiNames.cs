using System.Globalization;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Gateway.Router;

/// <summary>Enumerations, times and versions as the API spells them. Part of the contract: never rename.</summary>
internal static class ApiNames
{
    public static string Of(ModelExclusion exclusion) => exclusion switch
    {
        ModelExclusion.Disabled => "disabled",
        ModelExclusion.NotAllowed => "not_allowed",
        ModelExclusion.Unhealthy => "unhealthy",
        ModelExclusion.MissingCapability => "missing_capability",
        ModelExclusion.ContextTooSmall => "context_too_small",
        ModelExclusion.ShareUsedUp => "share_used_up",
        _ => "over_cost_limit",
    };

    public static string Of(AddOutcome outcome) => outcome switch
    {
        AddOutcome.Counted => "counted",
        AddOutcome.Replaced => "replaced",
        AddOutcome.Withdrawn => "withdrawn",
        AddOutcome.Repeat => "repeat",
        AddOutcome.Superseded => "superseded",
        _ => "too_old",
    };

    public static string Of(FeedbackKind kind) => FeedbackBody.KindNames[(int)kind];

    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    public static string Snapshot(ulong version) => version.ToString("x16", CultureInfo.InvariantCulture);
}
