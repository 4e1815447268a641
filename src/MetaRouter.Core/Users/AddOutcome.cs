namespace MetaRouter.Core.Users;

/// <summary>What adding one signal to a <see cref="UserState"/> did. The last three left the state as it was.</summary>
public enum AddOutcome
{
    /// <summary>A new signal took a slot of the window.</summary>
    Counted,

    /// <summary>The user's change of mind took the place of what the same key said before.</summary>
    Replaced,

    /// <summary>The user took the signal back: its slot stays, as a tombstone, and its evidence is gone.</summary>
    Withdrawn,

    /// <summary>Exactly this was there already.</summary>
    Repeat,

    /// <summary>The same key already holds something the user said later.</summary>
    Superseded,

    /// <summary>The window is full: of signals of later decisions, or, for one that speaks of quality alone, of others.</summary>
    BelowFloor,
}
