using MetaRouter.Core.Users;

namespace MetaRouter.Core.Routing;

/// <summary>What a decision takes from the world around it; the same moment gives the same decision.</summary>
/// <param name="TenantHash">Of the API key's tenant.</param>
/// <param name="UserHash">Of tenant and user; see <see cref="Users.IdentityHash"/>.</param>
/// <param name="TimeMs">Unix milliseconds.</param>
/// <param name="Nonce">24 random bits.</param>
/// <param name="Draw">Uniform in [0, 1): which model a distribution over models gives.</param>
/// <param name="Erasure">The user's last erasure, by <see cref="Routing.Erasure.Name"/>; 0: none.</param>
public readonly record struct DecisionMoment(ulong TenantHash, ulong UserHash, long TimeMs, uint Nonce, double Draw, ushort Erasure = 0)
{
    /// <summary>How many random bytes a moment takes.</summary>
    public const int ChanceBytes = sizeof(uint) + sizeof(ulong);

    /// <summary>A moment after the last erasure that is known of, whatever the clocks say: feedback on a new decision is never refused as feedback on an old one.</summary>
    /// <param name="nowMs">Unix milliseconds.</param>
    /// <param name="erasedAtMs">Of the user's last erasure, Unix milliseconds; 0: never.</param>
    /// <param name="chance"><see cref="ChanceBytes"/> that nobody can foretell.</param>
    public static DecisionMoment Of(ulong tenantHash, ulong userHash, long nowMs, long erasedAtMs, ReadOnlySpan<byte> chance) => new(
        tenantHash, userHash, Math.Max(nowMs, erasedAtMs + 1), BitConverter.ToUInt32(chance) & SignalKey.MaxNonce,
        (BitConverter.ToUInt64(chance[sizeof(uint)..]) >> 11) * (1.0 / (1UL << 53)), Routing.Erasure.Name(erasedAtMs));
}
