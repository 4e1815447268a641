using System.Text;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Tests.MetaLearning;

/// <summary>Where the fields of a written snapshot are. A second reading of the format, apart from the codec's own.</summary>
internal static class SnapshotLayout
{
    public static Dictionary<string, int> Of(byte[] bytes)
    {
        var at = new Dictionary<string, int>();
        using var r = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        r.BaseStream.Position = 8;
        var version = r.ReadUInt16();
        Mark("origin");
        r.ReadString();
        Table("idf", 2);
        Table("scale", 4);
        Table("rows", 1);
        Table("word scale", 4);
        var words = Count("words");
        for (var i = 0; i < words; i++)
        {
            Mark($"word[{i}].bucket");
            r.BaseStream.Position += 2;
            Mark($"word[{i}].mark");
            r.BaseStream.Position += 66;
        }

        var topics = Count("topics");
        Table("topic weights", 4);
        if (version >= SnapshotCodec.TopicsVersion)
        {
            Groups(topics);
        }

        Table("projection", 4);
        if (version < SnapshotCodec.ForestsVersion)
        {
            Forest("");
        }
        else
        {
            Mark("forests");
            var forests = r.ReadByte();
            Table("gate", 4);
            for (var s = 0; s < forests; s++)
            {
                Forest($"forest[{s}].");
            }
        }

        var models = Count("models");
        for (var i = 0; i < models; i++)
        {
            r.ReadString();
            Mark($"model[{i}].price");
            r.ReadDouble();
            r.ReadDouble();
            Mark($"model[{i}].window");
            r.ReadInt32();
        }

        for (var i = 0; i < models; i++)
        {
            Number($"head[{i}].bias");
            Table($"head[{i}].ability", 4);
            Number($"head[{i}].tree mean");
            Table($"head[{i}].loading", 4);
            Table($"head[{i}].tokens", 4);
            Number($"head[{i}].token factor");
            Number($"head[{i}].prompt offset");
            Number($"head[{i}].prompt ratio");
            Table($"head[{i}].latency", 4);
            Number($"head[{i}].latency factor");
            if (version >= SnapshotCodec.OnTopicVersion)
            {
                Table($"head[{i}].on topic", 4);
            }

            if (version >= SnapshotCodec.ForestsVersion)
            {
                Mark($"head[{i}].known to");
                r.ReadUInt16();
            }
        }

        Number("correlation");
        Table("start", 4);
        Table("cell", 2);
        foreach (var (column, size) in new[] { ("quality", 2), ("score", 2), ("expected tokens", 4), ("output tokens", 4), ("input tokens", 4) })
        {
            Table(column, size);
        }

        var components = Count("components");
        for (var i = 0; i < components; i++)
        {
            Mark($"component[{i}].weight");
            r.BaseStream.Position += 24;
        }

        Table("betas", 8);
        string[] spoken = version >= SnapshotCodec.SpeechVersion ? [.. Enumerable.Range(1, SignalSpeech.Kinds - 1).SelectMany(kind => (string[])[$"speech[{kind}].strength", $"speech[{kind}].lapse"])] : [];
        foreach (var number in (string[])["lapse", .. spoken, .. version >= SnapshotCodec.TopicsVersion ? ["topics share", "topics width"] : (string[])[], .. version >= SnapshotCodec.LatencyVersion ? ["latency share", "latency price"] : (string[])[]])
        {
            Mark(number);
            r.ReadDouble();
        }

        return r.BaseStream.Position == bytes.Length - 32 ? at : throw new InvalidOperationException($"Read {r.BaseStream.Position} bytes of {bytes.Length} and a hash of 32.");

        void Groups(int kinds)
        {
            Mark("groups");
            var groups = r.ReadByte();
            for (var i = 0; i < groups; i++)
            {
                Mark($"group[{i}].code");
                r.ReadByte();
                Mark($"group[{i}].name");
                r.ReadString();
                Mark($"group[{i}].words");
                for (var words = r.ReadByte(); words > 0; words--)
                {
                    r.ReadString();
                }
            }

            for (var i = 0; i < kinds && groups > 0; i++)
            {
                Mark($"kind[{i}]");
                r.ReadByte();
            }
        }

        void Forest(string of)
        {
            Table($"{of}forest scale", 4);
            var trees = Count($"{of}trees");
            for (var i = 0; i < trees; i++)
            {
                Mark($"{of}root[{i}]");
                r.ReadInt32();
            }

            var nodes = Count($"{of}nodes");
            for (var i = 0; i < nodes; i++)
            {
                Mark($"{of}node[{i}].feature");
                if (r.ReadByte() != byte.MaxValue)
                {
                    Mark($"{of}node[{i}].threshold");
                    r.ReadHalf();
                    Mark($"{of}node[{i}].skip");
                    r.ReadUInt16();
                }
            }

            Table($"{of}leaves", 1);
        }

        void Mark(string name) => at[name] = (int)r.BaseStream.Position;

        int Count(string name)
        {
            Mark(name);
            return r.ReadInt32();
        }

        void Number(string name)
        {
            Mark(name);
            r.ReadSingle();
        }

        void Table(string name, int width)
        {
            var count = Count(name);
            Mark($"{name}[0]");
            at[$"{name}[1]"] = (int)r.BaseStream.Position + width;
            r.BaseStream.Position += (long)count * width;
        }
    }
}
