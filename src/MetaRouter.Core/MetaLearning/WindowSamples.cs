namespace MetaRouter.Core.MetaLearning;

/// <summary>Samples of users' raw windows: of those who teach, and of those whom what was taught is judged by. Not thread-safe.</summary>
/// <param name="taught">The most windows of those who teach, above 0.</param>
/// <param name="heldOut">The same of those held out.</param>
public sealed class WindowSamples(int taught, int heldOut)
{
    private readonly WindowSample _taught = new(taught), _heldOut = new(heldOut);

    /// <summary>Users whose <see cref="WindowSample.Rank"/> is above this would not be kept: their windows need not be sent.</summary>
    public ulong Ceiling => Math.Max(_taught.Ceiling, _heldOut.Ceiling);

    /// <summary>By rank.</summary>
    public IReadOnlyCollection<byte[]> Windows(CohortPart part) => (part == CohortPart.Taught ? _taught : _heldOut).Windows;

    /// <inheritdoc cref="WindowSample.Put"/>
    public void Put(ulong user, byte[] window) => Of(user).Put(user, window);

    public void Remove(ulong user) => Of(user).Remove(user);

    private WindowSample Of(ulong user) => Cohort.PartOf(user) == CohortPart.Taught ? _taught : _heldOut;
}
