namespace MetaRouter.Hosting.Learning;

/// <summary>What was learned of everybody, here or on a cluster: the priors, and the way back to an earlier one.</summary>
public interface ILearning
{
    /// <summary>The prior in service.</summary>
    ServingPrior Serving { get; }

    /// <summary>The priors that were fitted or in service, the latest first.</summary>
    Task<IReadOnlyList<PriorRecord>> HistoryAsync(CancellationToken cancellationToken);

    /// <summary>Puts an earlier prior back into service, for every router that shares it.</summary>
    /// <param name="version">One of <see cref="HistoryAsync"/>.</param>
    /// <returns>False: the history has no such version, and nothing was changed.</returns>
    Task<bool> RollBackAsync(ulong version, CancellationToken cancellationToken);

    /// <summary>One round now.</summary>
    /// <returns>Whether a new prior went into service.</returns>
    Task<bool> RefreshAsync(CancellationToken cancellationToken);
}
