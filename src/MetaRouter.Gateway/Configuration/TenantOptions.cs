using MetaRouter.Gateway.Router;

namespace MetaRouter.Gateway.Configuration;

/// <summary>What one tenant may do and spend: an entry of section <c>Tenants</c>. A tenant without an entry takes that of <c>*</c>; without one it has no limits.</summary>
internal sealed class TenantOptions
{
    public const string Section = "Tenants";

    /// <summary>Stands for every tenant without an entry of its own.</summary>
    public const string AnyTenant = "*";

    /// <value>As the API keys name it, or <c>*</c>. A gateway without keys has one tenant: <c>default</c>.</value>
    public string Name { get; set; } = "";

    /// <value>US dollars all its requests may cost in a period; 0 or more, null: no limit.</value>
    public double? BudgetUsd { get; set; }

    /// <value>US dollars the requests of one user may cost in a period; 0 or more, null: no limit.</value>
    public double? UserBudgetUsd { get; set; }

    /// <value>How long a budget lasts: <c>day</c> (the default) or <c>month</c>, from midnight UTC.</value>
    public string BudgetPeriod { get; set; } = "day";

    /// <value>Requests a minute, all users together; 1 or more, null: no limit.</value>
    public int? RequestsPerMinute { get; set; }

    /// <value>Requests a minute of one user; 1 or more, null: no limit.</value>
    public int? UserRequestsPerMinute { get; set; }

    /// <value>The only models it may use; empty: all.</value>
    public IList<string> AllowedModels { get; } = [];

    /// <value>Whether its completions are always routed: models asked for by name, thresholds and x-router-mode are refused. Default false.</value>
    public bool RoutedOnly { get; set; }

    /// <value>The models that <see cref="DearShare"/> limits.</value>
    public IList<string> DearModels { get; } = [];

    /// <value>The share of its routed requests that <see cref="DearModels"/> may answer, 0 to 1; null: no limit. Each gateway counts for itself.</value>
    public double? DearShare { get; set; }

    /// <value>Whether what its users teach helps other tenants' new users. Default true.</value>
    public bool SharesLearning { get; set; } = true;

    public IEnumerable<string> Problems(int index)
    {
        var name = $"{Section}:{index}" + (Name.Length > 0 ? $" ({Name})" : "");
        if (Name.Length is 0 or > 128)
        {
            yield return $"{name} has a Name of {Name.Length} characters; give the tenant's, 1 to 128, or * for all others";
        }

        foreach (var (setting, usd) in new[] { (nameof(BudgetUsd), BudgetUsd), (nameof(UserBudgetUsd), UserBudgetUsd) })
        {
            if (usd is { } limit && !(limit >= 0 && limit <= 1e6))
            {
                yield return FormattableString.Invariant($"{name} has {setting} {limit}; it must be from 0 to 1000000 US dollars, or be left out");
            }
        }

        foreach (var (setting, rate) in new[] { (nameof(RequestsPerMinute), RequestsPerMinute), (nameof(UserRequestsPerMinute), UserRequestsPerMinute) })
        {
            if (rate < 1)
            {
                yield return $"{name} has {setting} {rate}; it must be 1 or more, or be left out";
            }
        }

        if (Name == AnyTenant && !SharesLearning)
        {
            yield return $"{name} has SharesLearning false, which cannot be set for *; set it for each tenant by name";
        }

        if (BudgetPeriod is not ("day" or "month"))
        {
            yield return $"{name} has BudgetPeriod '{BudgetPeriod}'; it must be day or month";
        }

        if (DearShare is { } share && !(share is >= 0 and <= 1))
        {
            yield return FormattableString.Invariant($"{name} has DearShare {share}; it must be from 0 to 1, or be left out");
        }

        if (DearShare is not null && DearModels.Count == 0)
        {
            yield return $"{name} has a DearShare but no DearModels; list the models that it limits";
        }

        foreach (var model in AllowedModels.Concat(DearModels).Where(m => !CatalogModels.IsName(m)))
        {
            yield return $"{name} lists the model '{model}', a name that no model can have";
        }
    }
}
