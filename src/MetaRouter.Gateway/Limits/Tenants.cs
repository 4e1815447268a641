using System.Collections.Concurrent;
using MetaRouter.Gateway.Configuration;

namespace MetaRouter.Gateway.Limits;

/// <summary>The rules of every tenant that calls. Tenants that take the options of <c>*</c> share nothing else.</summary>
internal sealed class Tenants(GatewaySettings settings)
{
    private volatile RuleSet _set = new(settings.Tenants, null);

    /// <returns>Null: it has none, not even those of <c>*</c>.</returns>
    public TenantRules? RulesOf(string tenant) => _set.Of(tenant);

    /// <summary>From the next request on. What was spent, and the requests of this minute, are counted elsewhere and stay; so does what the dear models have had.</summary>
    public void Replace(IReadOnlyList<TenantOptions> options) => _set = new(options, _set);

    /// <summary>Replaced whole.</summary>
    private sealed class RuleSet(IReadOnlyList<TenantOptions> tenants, RuleSet? before)
    {
        private readonly Dictionary<string, TenantOptions> _options = tenants.ToDictionary(t => t.Name);

        /// <summary>Tenants come from the configured keys, so there are no more of them than keys.</summary>
        private readonly ConcurrentDictionary<string, TenantRules?> _rules = new();

        private readonly IReadOnlyDictionary<string, TenantRules?> _before = before?._rules.ToDictionary() ?? [];

        public TenantRules? Of(string tenant) => _rules.GetOrAdd(
            tenant,
            static (name, set) => (set._options.GetValueOrDefault(name) ?? set._options.GetValueOrDefault(TenantOptions.AnyTenant)) is { } own
                ? new TenantRules(own, set._before.GetValueOrDefault(name)) : null,
            this);
    }
}
