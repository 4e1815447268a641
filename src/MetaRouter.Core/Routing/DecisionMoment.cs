namespace MetaRouter.Core.Routing;

/// <summary>What a decision takes from the world around it; the same moment gives the same decision.</summary>
/// <param name="TenantHash">Of the API key's tenant.</param>
/// <param name="UserHash">Of tenant and user; see <see cref="Users.IdentityHash"/>.</param>
/// <param name="TimeMs">Unix milliseconds.</param>
/// <param name="Nonce">24 random bits.</param>
/// <param name="Draw">Uniform in [0, 1): which model a distribution over models gives.</param>
/// <param name="Erasure">The user's last erasure, by <see cref="Routing.Erasure.Name"/>; 0: none.</param>
public readonly record struct DecisionMoment(ulong TenantHash, ulong UserHash, long TimeMs, uint Nonce, double Draw, ushort Erasure = 0);
