using System.Buffers;
using System.Text;

namespace MetaRouter.Gateway.Chat;

/// <summary>
/// What an answer's headers say of it, as an object in its body, for clients whose library shows neither headers nor a stream's comments. Only where it is asked for: the formats
/// do not know it, and some clients are strict.
/// </summary>
internal static class RouterDetails
{
    public const string Header = "x-router-details";

    private static ReadOnlySpan<byte> Field => "\"router\":"u8;

    /// <param name="receipt">Null: nothing was decided.</param>
    /// <returns>The object; null: it was not asked for.</returns>
    public static byte[]? Of(ChatCall call, string? receipt, in Spending spent)
    {
        if (!call.WantsDetails)
        {
            return null;
        }

        var headers = call.Context.Response.Headers;
        return
        [
            .. "{\"model\":"u8, .. JsonSplice.Quoted(headers["x-router-model"].ToString()),
            .. ",\"reason\":"u8, .. JsonSplice.Quoted(headers["x-router-reason"].ToString()),
            .. ",\"cost_usd\":"u8, .. Encoding.ASCII.GetBytes(ChatHeaders.Usd(spent.Usd)),
            .. ",\"cost_source\":"u8, .. JsonSplice.Quoted(spent.Source),
            .. receipt is null ? ""u8 : ",\"receipt\":"u8, .. receipt is null ? [] : JsonSplice.Quoted(receipt),
            .. "}"u8,
        ];
    }

    /// <summary>The answer with its details, if it has any, as the last field; the last of two that have one name is the one that counts.</summary>
    /// <param name="json">An object with fields.</param>
    public static ReadOnlyMemory<byte> Append(ReadOnlyMemory<byte> json, byte[]? details)
    {
        if (details is null)
        {
            return json;
        }

        var output = new ArrayBufferWriter<byte>(json.Length + details.Length + Field.Length + 2);
        WriteWith(json.Span, details, output);
        return output.WrittenMemory;
    }

    /// <summary>Writes an event with the details in its data, which end where the event's last brace is.</summary>
    public static void WriteWith(ReadOnlySpan<byte> text, byte[] details, IBufferWriter<byte> output)
    {
        var end = text.LastIndexOf((byte)'}');
        output.Write(text[..end]);
        output.Write(","u8);
        output.Write(Field);
        output.Write(details);
        output.Write(text[end..]);
    }
}
