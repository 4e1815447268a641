using System.Runtime.InteropServices;
using MetaRouter.Core.Routing;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>One request as the journal keeps it, before its candidates. Packed: it is copied as bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct JournalRecord
{
    /// <summary>Grows by one with every entry of the process.</summary>
    public long Sequence;

    /// <summary>Of the decision, Unix milliseconds.</summary>
    public long TimeMs;

    /// <summary>The user's hash; 0: nobody, or somebody who was erased.</summary>
    public ulong User;

    public ulong Snapshot;
    public double LambdaCost;
    public double CostScaleUsd;

    /// <summary>US dollars as counted; NaN: not known here.</summary>
    public double CostUsd;

    /// <summary>Milliseconds; NaN: not measured.</summary>
    public float LatencyMs;

    public uint Nonce;

    /// <summary>Its <see cref="TenantTraffic.Number"/>.</summary>
    public int Tenant;

    /// <summary>Of a model's name; -1: nobody answered.</summary>
    public int Served;

    /// <summary>Of a model's name: who was chosen, or asked for.</summary>
    public int Model;

    /// <summary>Index among the candidates; -1: none.</summary>
    public short Chosen;

    /// <summary>Index among the candidates; -1: none.</summary>
    public short Offered;

    public ushort Candidates;

    /// <summary>HTTP; 0: the models are called elsewhere.</summary>
    public ushort Status;

    public JournalReason Reason;

    /// <summary>The offered model answered too, and the cost is of both.</summary>
    public bool IsCompared;

    /// <summary>Quality charged for a second, to three digits.</summary>
    public Half LambdaLatency;
}

/// <summary>One model as the decision saw it.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct JournalCandidate
{
    public Outcome Predicted;
    public float Utility;
    public float Propensity;
    public ushort Model;
    public ModelExclusion Exclusion;
    private byte _qualityDeviation; // 1/510, so that 0.5 is 255

    /// <summary>Of the expected quality, 0 to 0.5.</summary>
    public float QualityDeviation
    {
        readonly get => _qualityDeviation / 510f;
        set => _qualityDeviation = (byte)MathF.Round(Math.Clamp(value, 0, 0.5f) * 510);
    }
}

/// <summary>A <see cref="DecisionReason"/>, or why nothing was decided.</summary>
internal enum JournalReason : byte
{
    BestForUser,
    BestForDial,
    Explored,
    Comparison,
    OnlyAllowed,
    FailOver,
    Requested,
    Off,
}
