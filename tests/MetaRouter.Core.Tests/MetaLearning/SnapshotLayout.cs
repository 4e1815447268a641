using System.Text;

namespace MetaRouter.Core.Tests.MetaLearning;

/// <summary>Where the fields of a written snapshot are. A second reading of the format, apart from the codec's own.</summary>
internal static class SnapshotLayout
{
    public static Dictionary<string, int> Of(byte[] bytes)
    {
        var at = new Dictionary<string, int>();
        using var r = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        r.BaseStream.Position = 10;
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

        Count("topics");
        Table("topic weights", 4);
        Table("projection", 4);
        Table("forest scale", 4);
        var trees = Count("trees");
        for (var i = 0; i < trees; i++)
        {
            Mark($"root[{i}]");
            r.ReadInt32();
        }

        var nodes = Count("nodes");
        for (var i = 0; i < nodes; i++)
        {
            Mark($"node[{i}].feature");
            if (r.ReadByte() != byte.MaxValue)
            {
                Mark($"node[{i}].threshold");
                r.ReadHalf();
                Mark($"node[{i}].skip");
                r.ReadUInt16();
            }
        }

        Table("leaves", 1);
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
        Mark("lapse");
        return at;

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
