using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Router;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>What every tenant spends and saves, for who governs what they share. No users of theirs.</summary>
internal sealed class TenantPages(ConsoleRecorder recorder, ConsoleFigures figures, Budgets budgets, ApiKeyRing keys) : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapRead(ConsoleEndpoints.Root + "/tenants", TenantsAsync).WithMetadata(NeedsScope.Operator);

    private async Task TenantsAsync(HttpContext context)
    {
        var (own, minutes) = (ConsoleEndpoints.Watched(context, recorder), ConsoleEndpoints.Minutes(context));

        // Until an operator is named every tenant's admin may do what one may; that one tenant sees what another spends is no part of it.
        string[] seen = keys.AdminsOperate ? [own] : [.. keys.Tenants];
        var lines = new List<TenantLineView>(seen.Length);
        foreach (var tenant in seen)
        {
            var standing = await budgets.StandingAsync(tenant, null, context.RequestAborted).ConfigureAwait(false);
            var line = figures.Tenant(tenant, minutes);
            lines.Add(standing.Tenant is not { } budget ? line
                : line with { Budget = new TenantBudgetView(budget.BudgetUsd, budget.SpentUsd, standing.Period, ApiNames.Time(standing.Ends)) });
        }

        await ConsoleEndpoints.WriteAsync(context, new TenantsView([.. lines.OrderByDescending(t => t.SpentUsd).ThenBy(t => t.Tenant, StringComparer.Ordinal)])).ConfigureAwait(false);
    }
}
