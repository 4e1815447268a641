using System.Runtime.InteropServices;
using static MetaRouter.Core.MetaLearning.SnapshotFields;

namespace MetaRouter.Core.MetaLearning;

/// <summary>The calibration sample in <see cref="SnapshotCodec"/>'s body.</summary>
internal static class SnapshotSample
{
    public static void Write(BinaryWriter w, CalibrationSample sample)
    {
        w.Write(sample.Start.Length);
        foreach (var start in sample.Start)
        {
            w.Write(start);
        }

        w.Write(sample.Model.Length);
        w.Write(MemoryMarshal.AsBytes(sample.Model.AsSpan()));
        WriteHalves(w, sample.Quality);
        WriteHalves(w, sample.Score);
        WriteFloats(w, sample.ExpectedTokens);
        WriteFloats(w, sample.OutputTokens);
        WriteFloats(w, sample.InputTokens);
    }

    public static CalibrationSample Read(BinaryReader r, int models)
    {
        var start = new int[ReadCount(r, "calibration rows", 4)];
        for (var i = 0; i < start.Length; i++)
        {
            start[i] = r.ReadInt32();
        }

        var model = new ushort[ReadCount(r, "calibration cells", 2)];
        for (var i = 0; i < model.Length; i++)
        {
            model[i] = r.ReadUInt16();
        }

        var sample = new CalibrationSample(
            start, model, ReadHalves(r, "expected quality", 0, 1), ReadHalves(r, "score", 0, 1),
            ReadTokens(r, "expected tokens"), ReadTokens(r, "completion tokens"), ReadTokens(r, "prompt tokens"));
        var ascending = start.Length > 0 && start[0] == 0 && start[^1] == model.Length && start.AsSpan(1).ToArray().Zip(start).All(p => p.First >= p.Second);
        if (!ascending || model.Any(m => m >= models) || new[] { sample.Quality, sample.Score, sample.ExpectedTokens, sample.OutputTokens, sample.InputTokens }.Any(c => c.Length != model.Length))
        {
            throw new SnapshotFormatException(
                $"The snapshot's calibration sample of {start.Length - 1} rows and {model.Length} cells does not fit its {models} models. Train it again with this program.");
        }

        return sample;
    }

    private static float[] ReadTokens(BinaryReader r, string what)
    {
        var tokens = ReadFloats(r, what);
        return Array.Find(tokens, t => t < 0) is < 0 and var negative
            ? throw new SnapshotFormatException($"The snapshot has {what} of {negative}; they must be 0 or more. Train it again with this program.")
            : tokens;
    }
}
