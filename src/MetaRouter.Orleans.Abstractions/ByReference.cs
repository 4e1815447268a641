using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using Orleans.Serialization.Cloning;

namespace MetaRouter.Orleans;

/// <summary>Core's types are immutable: within a silo they are passed by reference, not copied.</summary>
public abstract class ByReference<T> : IDeepCopier<T>
{
    public T? DeepCopy(T? input, CopyContext context) => input;
}

[RegisterCopier]
public sealed class RouteRequestByReference : ByReference<RouteRequest>;

[RegisterCopier]
public sealed class RouteDecisionByReference : ByReference<RouteDecision>;

[RegisterCopier]
public sealed class FeedbackByReference : ByReference<Feedback>;
