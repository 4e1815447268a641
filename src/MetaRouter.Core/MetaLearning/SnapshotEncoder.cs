using System.Runtime.InteropServices;
using MetaRouter.Core.Text;
using static MetaRouter.Core.MetaLearning.SnapshotFields;

namespace MetaRouter.Core.MetaLearning;

/// <summary>The encoder in <see cref="SnapshotCodec"/>'s body: n-grams, word vectors and topics.</summary>
internal static class SnapshotEncoder
{
    public static void Write(BinaryWriter w, PromptEncoder encoder, ushort version)
    {
        WriteHalves(w, encoder.Idf);
        WriteFloats(w, encoder.Scale);
        w.Write(encoder.Rows.Length);
        w.Write(MemoryMarshal.AsBytes(encoder.Rows));
        WriteVectors(w, encoder.Vectors);
        w.Write(encoder.Topics.Topics);
        WriteFloats(w, encoder.Topics.Weights);
        if (version >= SnapshotCodec.TopicsVersion)
        {
            WriteGroups(w, encoder.Topics.Groups);
        }
    }

    public static PromptEncoder Read(BinaryReader r, ushort version)
    {
        var idf = ReadHalves(r, "n-gram weights", 0, float.MaxValue);
        var scale = ReadFloats(r, "encoder scales");
        var rows = ReadBytes(r, "encoder rows");
        return new PromptEncoder(idf, rows, scale, ReadVectors(r), ReadTopics(r, version));
    }

    /// <summary>Most buckets have no word: the marks of those that do, each with its bucket, then their rows.</summary>
    private static void WriteVectors(BinaryWriter w, WordVectors vectors)
    {
        WriteFloats(w, vectors.ScaleArray);
        int[] known = [.. Enumerable.Range(0, NgramCounter.WordBuckets).Where(b => vectors.Marks[b] != 0)];
        w.Write(known.Length);
        foreach (var bucket in known)
        {
            w.Write((ushort)bucket);
            w.Write(vectors.Marks[bucket]);
            w.Write(MemoryMarshal.AsBytes(vectors.Rows.All.Slice(bucket * WordVectors.Dense, WordVectors.Dense)));
        }
    }

    private static WordVectors ReadVectors(BinaryReader r)
    {
        var scale = ReadFloats(r, "word scales");
        var count = ReadCount(r, "word vectors", 4 + WordVectors.Dense);
        if (count == 0 && scale.Length == WordVectors.Dense && !scale.AsSpan().ContainsAnyExcept(0f))
        {
            return WordVectors.None;
        }

        var (marks, rows, last) = (new ushort[NgramCounter.WordBuckets], new sbyte[NgramCounter.WordBuckets * WordVectors.Dense], -1);
        for (var i = 0; i < count; i++)
        {
            var (bucket, mark) = (r.ReadUInt16(), r.ReadUInt16());
            if (bucket <= last || bucket >= marks.Length || mark == 0)
            {
                throw new SnapshotFormatException($"The snapshot's word vector {i} of {count} is of bucket {bucket} after {last}, mark {mark}. Train it again with this program.");
            }

            (marks[bucket], last) = (mark, bucket);
            r.BaseStream.ReadExactly(MemoryMarshal.AsBytes(rows.AsSpan(bucket * WordVectors.Dense, WordVectors.Dense)));
        }

        return new WordVectors(marks, rows, scale);
    }

    private static TopicModel ReadTopics(BinaryReader r, ushort version)
    {
        var topics = r.ReadInt32();
        var weights = ReadFloats(r, "topic weights");
        return topics is >= 0 and <= TopicModel.MaxTopics && weights.Length == topics * (PromptEncoder.Described + 1)
            ? new TopicModel(topics, weights, version >= SnapshotCodec.TopicsVersion ? ReadGroups(r, topics) : null)
            : throw new SnapshotFormatException(
                $"The snapshot has {topics} topics and {weights.Length} topic weights; "
                    + $"up to {TopicModel.MaxTopics} topics have {PromptEncoder.Described + 1} each. Train it again with this program.");
    }

    private static void WriteGroups(BinaryWriter w, TopicGroups groups)
    {
        w.Write((byte)groups.All.Length);
        foreach (var group in groups.All)
        {
            w.Write(group.Code);
            w.Write(group.Name);
            w.Write((byte)group.Words.Length);
            foreach (var word in group.Words)
            {
                w.Write(word);
            }
        }

        w.Write(groups.Of);
    }

    private static TopicGroups ReadGroups(BinaryReader r, int kinds)
    {
        var groups = new TopicGroup[r.ReadByte()];
        for (var i = 0; i < groups.Length; i++)
        {
            groups[i] = new TopicGroup(r.ReadByte(), r.ReadString(), [.. Enumerable.Range(0, r.ReadByte()).Select(_ => r.ReadString())]);
        }

        var of = new byte[groups.Length == 0 ? 0 : kinds];
        r.BaseStream.ReadExactly(of);
        return new TopicGroups([.. groups], of);
    }
}
