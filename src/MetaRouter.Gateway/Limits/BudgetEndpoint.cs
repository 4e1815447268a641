using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;

namespace MetaRouter.Gateway.Limits;

/// <summary><c>GET /v1/router/budget</c>: what the key's tenant may spend, and has spent.</summary>
internal sealed class BudgetEndpoint(Budgets budgets) : IEndpoints
{
    private const string User = "user";

    public void Map(IEndpointRouteBuilder routes) => routes.MapRead("/v1/router/budget", BudgetAsync).WithMetadata(NeedsScope.Read);

    private async Task BudgetAsync(HttpContext context)
    {
        var (tenant, user) = (Edge.TenantOf(context), UserId.Check(context.Request.Query[User], User));
        var standing = await budgets.StandingAsync(tenant, user, context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, new BudgetAnswer(tenant, standing.Period, ApiNames.Time(standing.Ends))
        {
            BudgetUsd = standing.Tenant?.BudgetUsd,
            SpentUsd = standing.Tenant?.SpentUsd,
            User = user is null ? null : new UserBudgetAnswer(user) { BudgetUsd = standing.User?.BudgetUsd, SpentUsd = standing.User?.SpentUsd },
        }).ConfigureAwait(false);
    }
}
