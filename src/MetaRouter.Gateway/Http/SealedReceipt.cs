using System.Text.Json;
using System.Text.Json.Serialization;
using MetaRouter.Core.Routing;

namespace MetaRouter.Gateway.Http;

/// <summary>A decision's receipt on its way into an answer: sealed as it is written, without a string of its own.</summary>
[JsonConverter(typeof(Writer))]
internal readonly record struct SealedReceipt(RouteDecision Decision)
{
    internal sealed class Writer : JsonConverter<SealedReceipt>
    {
        public override SealedReceipt Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException("Receipts are opened by the sealer.");

        public override void Write(Utf8JsonWriter writer, SealedReceipt value, JsonSerializerOptions options)
        {
            Span<byte> token = stackalloc byte[ReceiptSealer.TokenLength];
            writer.WriteStringValue(token[..value.Decision.WriteToken(token)]);
        }
    }
}
