using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>What a stream has amounted to so far.</summary>
internal sealed class RelayedStream
{
    /// <summary>A bit for each choice that has begun, and for each that has ended.</summary>
    private ulong _begun, _ended;

    /// <summary>As the upstream counted it; unknown while it has not.</summary>
    public TokenUsage Usage { get; private set; }

    /// <summary>Bytes of answer seen since the upstream's last count: some count the prompt at the beginning and the rest at the end, which may never come.</summary>
    public long UncountedBytes { get; private set; }

    /// <summary>It called a tool.</summary>
    public bool CallsTools { get; private set; }

    /// <summary>A limit on its tokens ended it.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Every choice that has begun has ended: nothing is missing, though the upstream may not say so.</summary>
    public bool HasEnded => _ended != 0 && (_begun & ~_ended) == 0;

    /// <summary>It came to its regular end.</summary>
    public bool IsWhole { get; set; }

    /// <summary>The upstream cut it short.</summary>
    public bool IsBroken { get; set; }

    /// <summary>Takes in one more event.</summary>
    public void Add(in AnswerPart part)
    {
        Usage = part.Usage.After(Usage);
        UncountedBytes = part.Usage.Completion > 0 ? 0 : UncountedBytes + part.TextBytes;
        CallsTools |= part.CallsTools;
        IsCut |= part.IsCut;
        (_begun, _ended) = (_begun | part.Of, _ended | part.Ended);
    }
}
