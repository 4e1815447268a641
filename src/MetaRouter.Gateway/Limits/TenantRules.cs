using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;

namespace MetaRouter.Gateway.Limits;

/// <summary>What one tenant may do, and how much of its requests the dear models have had.</summary>
internal sealed class TenantRules(TenantOptions options)
{
    /// <summary>The share is taken over about this many last requests: older ones fade.</summary>
    private const int Window = 1000;

    private readonly Lock _gate = new();
    private double _all, _dear;

    public TenantOptions Options => options;

    public HashSet<ModelId>? Allowed { get; } = options.AllowedModels.Count == 0 ? null : options.AllowedModels.Select(m => new ModelId(m)).ToHashSet();

    public HashSet<ModelId> Dear { get; } = options.DearModels.Select(m => new ModelId(m)).ToHashSet();

    /// <summary>One more dear request would be more than the share.</summary>
    public bool IsDearShareUsedUp()
    {
        lock (_gate)
        {
            return options.DearShare is { } share && _dear + 1 > share * (_all + 1);
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
            (_all, _dear) = (_all + 1, _dear + (Dear.Contains(model) ? 1 : 0));
            if (_all > 2 * Window)
            {
                (_all, _dear) = (_all / 2, _dear / 2);
            }
        }
    }
}
