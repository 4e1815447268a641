using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;

namespace MetaRouter.Gateway.Limits;

/// <summary>What one tenant may do, and how much of its requests the dear models have had.</summary>
/// <param name="before">Rules that these take the place of: if the dear models are the same, what they have had stays counted.</param>
internal sealed class TenantRules(TenantOptions options, TenantRules? before = null)
{
    /// <summary>The share is taken over about this many last requests: older ones fade.</summary>
    private const int Window = 1000;

    private readonly Lock _gate = new();
    private (double All, double Dear) _had = before is not null && before.Dear.SetEquals(options.DearModels.Select(m => new ModelId(m))) ? before.Had : default;

    public TenantOptions Options => options;

    public HashSet<ModelId>? Allowed { get; } = options.AllowedModels.Count == 0 ? null : options.AllowedModels.Select(m => new ModelId(m)).ToHashSet();

    public HashSet<ModelId> Dear { get; } = options.DearModels.Select(m => new ModelId(m)).ToHashSet();

    private (double All, double Dear) Had
    {
        get
        {
            lock (_gate)
            {
                return _had;
            }
        }
    }

    /// <summary>One more dear request would be more than the share.</summary>
    public bool IsDearShareUsedUp()
    {
        lock (_gate)
        {
            return options.DearShare is { } share && _had.Dear + 1 > share * (_had.All + 1);
        }
    }

    public void Count(ModelId model)
    {
        if (options.DearShare is null)
        {
            return;
        }

        lock (_gate)
        {
            _had = (_had.All + 1, _had.Dear + (Dear.Contains(model) ? 1 : 0));
            if (_had.All > 2 * Window)
            {
                _had = (_had.All / 2, _had.Dear / 2);
            }
        }
    }
}
