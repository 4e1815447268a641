using System.Buffers;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>The format in which a client gets its answer: one of OpenAI's two, or Anthropic's. Upstreams answer in that of OpenAI's chat completions, or in the client's own.</summary>
internal interface IAnswerForm
{
    /// <summary>Whether the format has room for two answers side by side.</summary>
    bool CanCompare { get; }

    /// <summary>Writes an answer that came whole, or the upstream's refusal.</summary>
    /// <param name="receipt">Takes the place of the answer's id; null: that stays.</param>
    /// <param name="spent">Null: the upstream refused.</param>
    Task WriteAsync(ChatCall call, UpstreamAnswer answer, string? receipt, Spending? spent);

    IStreamForm Begin(ChatCall call, UpstreamAnswer answer, string? receipt);
}

/// <summary>One stream on its way to its client.</summary>
internal interface IStreamForm
{
    /// <summary>An event of the upstream's, before the last; also one that says it failed.</summary>
    void Part(ReadOnlySpan<byte> text, in AnswerPart part, IBufferWriter<byte> output);

    /// <summary>The stream is whole.</summary>
    /// <param name="last">The upstream's last event; empty: it ended without sending one.</param>
    void End(ReadOnlySpan<byte> last, RelayedStream stream, in Spending spent, IBufferWriter<byte> output);

    /// <summary>The stream broke off.</summary>
    void Broken(string message, IBufferWriter<byte> output);
}
