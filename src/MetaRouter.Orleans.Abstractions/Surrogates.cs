using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Orleans;

// Core's types cross the wire as these, so that Core carries no attribute of Orleans. Ids are never reused: a newer silo understands an older client.

[GenerateSerializer, Alias("metarouter.s.request")]
public struct RouteRequestSurrogate
{
    [Id(0)] public string Text { get; set; }
    [Id(1)] public int? PromptTokens { get; set; }
    [Id(2)] public ModelCapabilities Capabilities { get; set; }
    [Id(3)] public int NeededPromptTokens { get; set; }
    [Id(4)] public int ExpectedOutputTokens { get; set; }
    [Id(5)] public double? MaxCostUsd { get; set; }
    [Id(6)] public string[]? AllowedModels { get; set; }
    [Id(7)] public string? Category { get; set; }
    [Id(8)] public double? LambdaCost { get; set; }
    [Id(9)] public bool MayExplore { get; set; }
    [Id(10)] public bool MayCompare { get; set; }
    [Id(11)] public string[]? UnhealthyModels { get; set; }
    [Id(12)] public string? StrongModel { get; set; }
    [Id(13)] public string? WeakModel { get; set; }
    [Id(14)] public double Threshold { get; set; }
    [Id(15)] public string? WarmModel { get; set; }
    [Id(16)] public int CachedTokens { get; set; }
    [Id(17)] public double? LambdaLatency { get; set; }
    [Id(18)] public string[]? UsedUpModels { get; set; }
    [Id(19)] public bool IsToBeServed { get; set; }
}

[RegisterConverter]
public sealed class RouteRequestConverter : IConverter<RouteRequest, RouteRequestSurrogate>
{
    public RouteRequest ConvertFromSurrogate(in RouteRequestSurrogate surrogate) => new(surrogate.Text)
    {
        PromptTokens = surrogate.PromptTokens,
        Needs = new RouteNeeds
        {
            Capabilities = surrogate.Capabilities,
            PromptTokens = surrogate.NeededPromptTokens,
            ExpectedOutputTokens = surrogate.ExpectedOutputTokens,
            MaxCostUsd = surrogate.MaxCostUsd,
            AllowedModels = Set(surrogate.AllowedModels),
            Category = surrogate.Category,
            UnhealthyModels = Set(surrogate.UnhealthyModels),
            UsedUpModels = Set(surrogate.UsedUpModels),
        },
        LambdaCost = surrogate.LambdaCost,
        LambdaLatency = surrogate.LambdaLatency,
        Deferral = surrogate is { StrongModel: { } strong, WeakModel: { } weak } ? new DeferralRule(new ModelId(strong), new ModelId(weak), surrogate.Threshold) : null,
        Warm = surrogate.WarmModel is { } warm ? new WarmModel(new ModelId(warm), surrogate.CachedTokens) : null,
        MayExplore = surrogate.MayExplore,
        MayCompare = surrogate.MayCompare,
        IsToBeServed = surrogate.IsToBeServed,
    };

    public RouteRequestSurrogate ConvertToSurrogate(in RouteRequest value) => new()
    {
        Text = value.Text,
        PromptTokens = value.PromptTokens,
        Capabilities = value.Needs.Capabilities,
        NeededPromptTokens = value.Needs.PromptTokens,
        ExpectedOutputTokens = value.Needs.ExpectedOutputTokens,
        MaxCostUsd = value.Needs.MaxCostUsd,
        AllowedModels = Names(value.Needs.AllowedModels),
        Category = value.Needs.Category,
        UnhealthyModels = Names(value.Needs.UnhealthyModels),
        UsedUpModels = Names(value.Needs.UsedUpModels),
        LambdaCost = value.LambdaCost,
        LambdaLatency = value.LambdaLatency,
        StrongModel = value.Deferral?.Strong.Value,
        WeakModel = value.Deferral?.Weak.Value,
        Threshold = value.Deferral?.Threshold ?? 0,
        WarmModel = value.Warm?.Model.Value,
        CachedTokens = value.Warm?.CachedTokens ?? 0,
        MayExplore = value.MayExplore,
        MayCompare = value.MayCompare,
        IsToBeServed = value.IsToBeServed,
    };

    private static HashSet<ModelId>? Set(string[]? names) => names?.Select(m => new ModelId(m)).ToHashSet();

    private static string[]? Names(IReadOnlySet<ModelId>? models) => models?.Select(m => m.Value).ToArray();
}

/// <summary>Lists are packed into bytes (<see cref="PackedDecision"/>): an array for each list would cost more than the decision.</summary>
[GenerateSerializer, Alias("metarouter.s.decision")]
public struct RouteDecisionSurrogate
{
    [Id(0)] public byte[] Models { get; set; }
    [Id(1)] public byte[] Numbers { get; set; }
    [Id(3)] public int Chosen { get; set; }
    [Id(4)] public int? Offered { get; set; }
    [Id(5)] public DecisionReason Reason { get; set; }
    [Id(6)] public double LambdaCost { get; set; }
    [Id(7)] public string Token { get; set; }
    [Id(8)] public ulong SnapshotVersion { get; set; }
    [Id(9)] public ulong TenantHash { get; set; }
    [Id(10)] public ulong UserHash { get; set; }
    [Id(11)] public long DecisionTimeMs { get; set; }
    [Id(12)] public uint Nonce { get; set; }
    [Id(13)] public ulong CatalogVersion { get; set; }
    [Id(15)] public float InputTokens { get; set; }
    [Id(16)] public float OutputTokens { get; set; }
    [Id(17)] public ushort Erasure { get; set; }
    [Id(18)] public byte Topic { get; set; }
    [Id(19)] public double LambdaLatency { get; set; }
    [Id(20)] public double CostScaleUsd { get; set; }
}

[RegisterConverter]
public sealed class RouteDecisionConverter : IConverter<RouteDecision, RouteDecisionSurrogate>
{
    public RouteDecision ConvertFromSurrogate(in RouteDecisionSurrogate surrogate)
    {
        var (candidates, middle, features) = PackedDecision.Read(surrogate.Models, surrogate.Numbers);
        var chosen = candidates[surrogate.Chosen];
        var receipt = new Receipt
        {
            TenantHash = surrogate.TenantHash,
            UserHash = surrogate.UserHash,
            DecisionTimeMs = surrogate.DecisionTimeMs,
            Nonce = surrogate.Nonce,
            Erasure = surrogate.Erasure,
            SnapshotVersion = surrogate.SnapshotVersion,
            CatalogVersion = surrogate.CatalogVersion,
            ChosenModel = Receipt.HashOf(chosen.Model),
            OfferedModel = surrogate.Offered is { } o ? Receipt.HashOf(candidates[o].Model) : 0,
            Propensity = chosen.Propensity,
            PairPropensity = surrogate.Offered is null ? 0 : 1,
            IsExplored = surrogate.Reason == DecisionReason.Explored,
            IsComparison = surrogate.Offered is not null,
            First = chosen.Predicted,
            Offered = surrogate.Offered is { } other ? candidates[other].Predicted : default,
            Middle = middle,
            InputTokens = surrogate.InputTokens,
            OutputTokens = surrogate.OutputTokens,
            Topic = surrogate.Topic,
            Features = features,
        };
        return RouteDecision.Restore(
            candidates, surrogate.Chosen, surrogate.Offered, surrogate.Reason,
            new(surrogate.LambdaCost, surrogate.LambdaLatency),
            surrogate.CostScaleUsd, receipt, surrogate.Token);
    }

    public RouteDecisionSurrogate ConvertToSurrogate(in RouteDecision value)
    {
        var receipt = value.Receipt;
        return new RouteDecisionSurrogate
        {
            Models = PackedDecision.Models(value.Candidates),
            Numbers = PackedDecision.Numbers(value.Candidates, receipt),
            Chosen = value.ChosenIndex,
            Offered = value.OfferedIndex,
            Reason = value.Reason,
            LambdaCost = value.LambdaCost,
            LambdaLatency = value.LambdaLatency,
            CostScaleUsd = value.CostScaleUsd,
            Token = value.Token,
            SnapshotVersion = value.SnapshotVersion,
            TenantHash = receipt.TenantHash,
            UserHash = receipt.UserHash,
            DecisionTimeMs = receipt.DecisionTimeMs,
            Nonce = receipt.Nonce,
            Erasure = receipt.Erasure,
            CatalogVersion = receipt.CatalogVersion,
            InputTokens = receipt.InputTokens,
            OutputTokens = receipt.OutputTokens,
            Topic = receipt.Topic,
        };
    }
}

[GenerateSerializer, Alias("metarouter.s.feedback")]
public struct FeedbackSurrogate
{
    [Id(0)] public string Receipt { get; set; }
    [Id(1)] public FeedbackKind Kind { get; set; }
    [Id(2)] public byte Value { get; set; }
    [Id(3)] public DateTimeOffset? OccurredAt { get; set; }
    [Id(4)] public bool Withdrawn { get; set; }
}

[RegisterConverter]
public sealed class FeedbackConverter : IConverter<Feedback, FeedbackSurrogate>
{
    public Feedback ConvertFromSurrogate(in FeedbackSurrogate surrogate) =>
        new(surrogate.Receipt, surrogate.Kind, surrogate.Value) { OccurredAt = surrogate.OccurredAt, Withdrawn = surrogate.Withdrawn };

    public FeedbackSurrogate ConvertToSurrogate(in Feedback value) =>
        new() { Receipt = value.Receipt, Kind = value.Kind, Value = value.Value, OccurredAt = value.OccurredAt, Withdrawn = value.Withdrawn };
}

[GenerateSerializer, Alias("metarouter.s.moment")]
public struct DecisionMomentSurrogate
{
    [Id(0)] public ulong TenantHash { get; set; }
    [Id(1)] public ulong UserHash { get; set; }
    [Id(2)] public long TimeMs { get; set; }
    [Id(3)] public uint Nonce { get; set; }
    [Id(4)] public double Draw { get; set; }
    [Id(5)] public ushort Erasure { get; set; }
}

[RegisterConverter]
public sealed class DecisionMomentConverter : IConverter<DecisionMoment, DecisionMomentSurrogate>
{
    public DecisionMoment ConvertFromSurrogate(in DecisionMomentSurrogate surrogate) =>
        new(surrogate.TenantHash, surrogate.UserHash, surrogate.TimeMs, surrogate.Nonce, surrogate.Draw, surrogate.Erasure);

    public DecisionMomentSurrogate ConvertToSurrogate(in DecisionMoment value) =>
        new() { TenantHash = value.TenantHash, UserHash = value.UserHash, TimeMs = value.TimeMs, Nonce = value.Nonce, Draw = value.Draw, Erasure = value.Erasure };
}

/// <summary>An exception of Core by its message alone.</summary>
[GenerateSerializer, Alias("metarouter.s.error")]
public struct MessageSurrogate
{
    [Id(0)] public string Message { get; set; }

    /// <summary>Of <see cref="NoModelAllowedException"/>.</summary>
    [Id(1)] public int? ContextWindow { get; set; }
}

[RegisterConverter]
public sealed class NoModelAllowedConverter : IConverter<NoModelAllowedException, MessageSurrogate>
{
    public NoModelAllowedException ConvertFromSurrogate(in MessageSurrogate surrogate) => new(surrogate.Message) { ContextWindow = surrogate.ContextWindow };

    public MessageSurrogate ConvertToSurrogate(in NoModelAllowedException value) => new() { Message = value.Message, ContextWindow = value.ContextWindow };
}

[RegisterConverter]
public sealed class UserStateExceptionConverter : IConverter<UserStateException, MessageSurrogate>
{
    public UserStateException ConvertFromSurrogate(in MessageSurrogate surrogate) => new(surrogate.Message);

    public MessageSurrogate ConvertToSurrogate(in UserStateException value) => new() { Message = value.Message };
}
