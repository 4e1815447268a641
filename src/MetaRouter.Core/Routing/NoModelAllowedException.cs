using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>No model of the catalog may answer a request. The message gives each model's reason and, for each kind of reason, what to change.</summary>
public sealed class NoModelAllowedException : InvalidOperationException
{
    /// <summary>So many models are named in the message; a longer catalog is summed up, and <see cref="Excluded"/> has it all.</summary>
    private const int MostNamed = 32;

    public NoModelAllowedException()
    {
    }

    public NoModelAllowedException(string message)
        : base(message)
    {
    }

    public NoModelAllowedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    private NoModelAllowedException(string message, ImmutableArray<ExcludedModel> excluded)
        : base(message) => Excluded = excluded;

    /// <summary>Every model, in the catalog's order.</summary>
    public ImmutableArray<ExcludedModel> Excluded { get; } = [];

    /// <summary>
    /// The largest context window, in tokens, among models that are excluded only because theirs is too small. Null: there is none, or a model is excluded only
    /// because its upstream fails, which passes.
    /// </summary>
    public int? ContextWindow { get; init; }

    internal static NoModelAllowedException For(ModelCatalog catalog, in RouteNeeds needs, ReadOnlySpan<float> predictedCostUsd, double limitUsd, ReadOnlySpan<ModelExclusion> verdicts)
    {
        var excluded = ImmutableArray.CreateBuilder<ExcludedModel>(catalog.Count);
        var message = new StringBuilder("No model may answer this request: ");
        var window = default(int?);
        for (var i = 0; i < catalog.Count; i++)
        {
            var model = catalog.Models[i];
            excluded.Add(new ExcludedModel(model.Id, verdicts[i]));
            window = verdicts[i] == ModelExclusion.ContextTooSmall ? Math.Max(model.ContextWindow, window ?? 0) : window;
            if (i < MostNamed)
            {
                message.Append(CultureInfo.InvariantCulture, $"{(i > 0 ? "; " : "")}'{model.Id}' {Describe(model, needs, predictedCostUsd[i], limitUsd, verdicts[i])}");
            }
        }

        if (catalog.Count > MostNamed)
        {
            message.Append(CultureInfo.InvariantCulture, $"; and {catalog.Count - MostNamed} more");
        }

        message.Append('.');
        foreach (var reason in excluded.Select(one => one.Reason).Distinct().Order())
        {
            message.Append(' ').Append(Remedy(reason));
        }

        return new(message.ToString(), excluded.MoveToImmutable()) { ContextWindow = verdicts.Contains(ModelExclusion.Unhealthy) ? null : window };
    }

    private static string Describe(ModelProfile model, in RouteNeeds needs, float costUsd, double limitUsd, ModelExclusion reason) => reason switch
    {
        ModelExclusion.Disabled => "is disabled",
        ModelExclusion.NotAllowed => needs.Category is null ? "is not on the allow-list" : $"is not on the allow-list for category '{needs.Category}'",
        ModelExclusion.Unhealthy => "is unhealthy",
        ModelExclusion.MissingCapability => $"lacks {needs.Capabilities & ~model.Capabilities}",
        ModelExclusion.ContextTooSmall => FormattableString.Invariant($"holds {model.ContextWindow} tokens and the request needs {(long)needs.PromptTokens + needs.ExpectedOutputTokens}"),
        ModelExclusion.OverCostLimit when float.IsNaN(costUsd) => FormattableString.Invariant($"has no predicted cost to hold against the limit of ${limitUsd:0.############}"),
        ModelExclusion.OverCostLimit => FormattableString.Invariant($"would cost ${costUsd:0.############}, over the limit of ${limitUsd:0.############}"),
        ModelExclusion.ShareUsedUp => "has had its share of the tenant's requests",
        _ => "may answer",
    };

    private static string Remedy(ModelExclusion reason) => reason switch
    {
        ModelExclusion.Disabled => "Enable a model in the catalog.",
        ModelExclusion.NotAllowed => "Add a model to the allow-list, or to the category's pin.",
        ModelExclusion.Unhealthy => "Wait for an upstream to recover, or add a model of another one.",
        ModelExclusion.MissingCapability => "Add a model with the missing capability, or ask for less.",
        ModelExclusion.ContextTooSmall => "Shorten the prompt or the completion, or add a model with a larger context window.",
        ModelExclusion.ShareUsedUp => "Ask again once other models have answered more, raise the share, or add a model that it does not limit.",
        _ => "Raise the cost limit, shorten the request, or add a cheaper model.",
    };
}
