using System.Buffers;
using System.Text;
using System.Text.Json;

namespace MetaRouter.Gateway.Chat;

/// <summary>Server-sent events whose type is told twice, in the line before their data and within it.</summary>
internal static class TypedEvents
{
    public static void Write(IBufferWriter<byte> output, string type, Action<Utf8JsonWriter> fields)
    {
        output.Write("event: "u8);
        Encoding.ASCII.GetBytes(type, output);
        output.Write("\ndata: "u8);
        using (var to = new Utf8JsonWriter(output, ChatPieces.Readable))
        {
            to.WriteStartObject();
            to.WriteString("type", type);
            fields(to);
            to.WriteEndObject();
        }

        output.Write("\n\n"u8);
    }
}
