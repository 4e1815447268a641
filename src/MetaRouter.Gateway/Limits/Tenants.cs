using System.Collections.Concurrent;
using MetaRouter.Gateway.Configuration;

namespace MetaRouter.Gateway.Limits;

/// <summary>The rules of every tenant that calls. Tenants that take the options of <c>*</c> share nothing else.</summary>
internal sealed class Tenants(GatewaySettings settings)
{
    private readonly Dictionary<string, TenantOptions> _options = settings.Tenants.ToDictionary(t => t.Name);

    /// <summary>Tenants come from the configured keys, so there are no more of them than keys.</summary>
    private readonly ConcurrentDictionary<string, TenantRules?> _rules = new();

    /// <returns>Null: it has none, not even those of <c>*</c>.</returns>
    public TenantRules? RulesOf(string tenant) => _rules.GetOrAdd(
        tenant,
        static (name, options) => (options.GetValueOrDefault(name) ?? options.GetValueOrDefault(TenantOptions.AnyTenant)) is { } own ? new TenantRules(own) : null,
        _options);
}
