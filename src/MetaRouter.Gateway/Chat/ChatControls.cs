using System.Globalization;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Chat;

/// <summary>What a caller may set by header. An unknown value is refused: a caller who believes it has opted out must not be wrong.</summary>
internal readonly record struct ChatControls(RoutingMode Mode, double? MaxCostUsd)
{
    public const string CompareHeader = "x-router-compare";

    /// <summary>Whether two models may answer, for the user to compare.</summary>
    public CompareChoice Compare { get; private init; }

    /// <summary>The dial by hand, as <c>/v1/router/route</c> takes it; null: as the model's name says, else what is believed of the user.</summary>
    public double? LambdaCost { get; private init; }

    /// <summary>The same of waiting.</summary>
    public double? LambdaLatency { get; private init; }

    /// <summary>As <c>Gateway:CategoryPins</c> names it; null: none.</summary>
    public string? Category { get; private init; }

    /// <summary>What the headers say is wanted in the body, too.</summary>
    public bool WantsDetails { get; private init; }

    /// <summary>A client library of OpenAI's or Anthropic's repeats by itself a request that got no answer.</summary>
    public bool IsRetry { get; private init; }

    public const string ModeHeader = "x-router-mode", MaxCostHeader = "x-router-max-cost-usd", UserHeader = "x-router-user",
        LambdaCostHeader = "x-router-lambda-cost", LambdaLatencyHeader = "x-router-lambda-latency";

    /// <exception cref="ApiException">400: a header has a value that is not known.</exception>
    public static ChatControls Read(IHeaderDictionary headers)
    {
        var mode = headers[ModeHeader].ToString();
        var limit = headers[MaxCostHeader].ToString();
        var details = headers[RouterDetails.Header].ToString();
        var (compare, category) = (headers[CompareHeader].ToString(), headers[Limits.ModelAccess.CategoryHeader].ToString());
        return new(
            mode switch
            {
                "" or "apply" => RoutingMode.Apply,
                "observe" => RoutingMode.Observe,
                "off" => RoutingMode.Off,
                _ => throw ApiException.BadValue(ModeHeader, $"The header {ModeHeader} is '{mode}'; it must be apply, observe or off, or be left out."),
            },
            limit.Length == 0 ? null
            : double.TryParse(limit, NumberStyles.Float, CultureInfo.InvariantCulture, out var usd) && usd is >= 0 and < double.PositiveInfinity ? usd
            : throw ApiException.BadValue(MaxCostHeader, $"The header {MaxCostHeader} is '{limit}'; it must be a number of US dollars, 0 or more, or be left out."))
        {
            IsRetry = int.TryParse(headers["x-stainless-retry-count"], CultureInfo.InvariantCulture, out var retries) && retries > 0,
            Compare = compare switch
            {
                "" or "no" => CompareChoice.No,
                "allow" => CompareChoice.Allow,
                "always" => CompareChoice.Always,
                _ => throw ApiException.BadValue(CompareHeader, $"The header {CompareHeader} is '{compare}'; it must be allow, always or no, or be left out."),
            },
            WantsDetails = details switch
            {
                "" or "false" => false,
                "true" => true,
                _ => throw ApiException.BadValue(RouterDetails.Header, $"The header {RouterDetails.Header} is '{details}'; it must be true or false, or be left out."),
            },
            Category = category.Length == 0 ? null : category,
            LambdaCost = Weight(headers, LambdaCostHeader),
            LambdaLatency = Weight(headers, LambdaLatencyHeader),
        };
    }

    private static double? Weight(IHeaderDictionary headers, string name) => headers[name].ToString() is not { Length: > 0 } text ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && weight is >= 0 and < double.PositiveInfinity ? weight
        : throw ApiException.BadValue(name, $"The header {name} is '{text}'; it must be a finite number, 0 or more, or be left out.");
}

/// <summary>How often two models answer a request.</summary>
internal enum CompareChoice
{
    No,

    /// <summary>As often as the operator allows.</summary>
    Allow,

    /// <summary>Whenever two may; for keys that may also watch.</summary>
    Always,
}

/// <summary>What becomes of a decision.</summary>
internal enum RoutingMode
{
    /// <summary>The chosen model answers.</summary>
    Apply,

    /// <summary>A model is chosen and named in a header; the one that would answer without routing answers.</summary>
    Observe,

    /// <summary>Nothing is decided.</summary>
    Off,
}
