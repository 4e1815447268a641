using System.Buffers;
using System.Net.Http.Headers;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Chat;

namespace MetaRouter.Gateway.Upstream;

/// <summary>An answer that has begun: whole, or a stream whose first event is here.</summary>
/// <param name="Model">Who answers.</param>
/// <param name="Api">What it is written in.</param>
/// <param name="Status">200, or what the upstream has to say to the caller.</param>
internal sealed record UpstreamAnswer(ModelId Model, UpstreamEndpoint Endpoint, UpstreamApi Api, int Status) : IDisposable
{
    /// <summary>Calls made until this one, 1 or more.</summary>
    public int Attempts { get; set; } = 1;

    /// <summary>As it came; empty for a stream.</summary>
    public byte[] Body { get; init; } = [];

    /// <summary>What <see cref="Body"/> says.</summary>
    public AnswerPart Part { get; init; }

    public HttpResponseHeaders? Headers { get; init; }

    /// <summary>What it means that the upstream will not have what another may take; null: it answered, or the request is at fault. See <see cref="Upstream.OwnRefusal"/>.</summary>
    public string? OwnRefusal { get; init; }

    /// <summary>How long it asked to be left alone, of one whose rate or quota is used up; null: it did not.</summary>
    public TimeSpan? Pause { get; init; }

    /// <summary>What comes after <see cref="First"/>; null: not a stream.</summary>
    public SseReader? Events { get; init; }

    /// <summary>The first event, whole; valid until the next is read.</summary>
    public ReadOnlyMemory<byte> First { get; init; }

    public HttpResponseMessage? Response { get; init; }

    /// <summary>Of a stream, whose end is elsewhere; null: it has ended.</summary>
    public UpstreamCall? Call { get; init; }

    /// <summary>The whole answer as it came, but with the serving model's name, and the receipt as its id.</summary>
    /// <param name="receipt">Null: the id stays.</param>
    public ReadOnlyMemory<byte> Named(string? receipt)
    {
        if (!Part.HasIdAndModel)
        {
            var json = JsonSplice.Set(Body, "model", Model.Value);
            return receipt is null ? json : JsonSplice.Set(json, "id", receipt);
        }

        var (id, name) = (receipt is null ? [] : JsonSplice.Quoted(receipt), JsonSplice.Quoted(Model.Value));
        var output = new ArrayBufferWriter<byte>(Body.Length + id.Length + name.Length + 1); // one byte to spare: a full writer grows even when asked for no room
        Part.Write(Body, id, name, output);
        return output.WrittenMemory;
    }

    public void Dispose()
    {
        Call?.End(default, UpstreamCall.Left);
        Events?.Dispose();
        Response?.Dispose();
    }
}
