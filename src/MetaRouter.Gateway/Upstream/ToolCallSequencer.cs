using System.Text;
using System.Text.Json;
using static MetaRouter.Gateway.Http.LenientJson;
using static MetaRouter.Gateway.Upstream.Completion;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// The pieces of a stream's tool calls, one call after the other: other forms have one open at a time, and some upstreams mix the pieces of several. Where the next call
/// begins before the arguments of this one are whole, its pieces are held until the end.
/// </summary>
internal sealed class ToolCallSequencer
{
    private readonly List<JsonElement> _held = [];
    private readonly StringBuilder _given = new();
    private int? _index;
    private string? _id;

    /// <summary>The pieces that may go on now, and whether each begins a call; <see cref="Rest"/> has the others.</summary>
    public IEnumerable<(JsonElement Piece, bool Begins)> In(JsonElement delta)
    {
        foreach (var piece in List(delta, "tool_calls"))
        {
            if (_index is { } open && open != Index(piece) && (_held.Count > 0 || !IsWhole()))
            {
                _held.Add(piece.Clone());
            }
            else
            {
                yield return (piece, Begins(piece));
            }
        }
    }

    /// <summary>What was held, call by call.</summary>
    public IEnumerable<(JsonElement Piece, bool Begins)> Rest() => _held.GroupBy(Index).SelectMany(call => call).Select(piece => (piece, Begins(piece)));

    /// <summary>Some upstreams number no calls, or all of them 0; one that brings another id, and a name, is another.</summary>
    private bool Begins(JsonElement piece)
    {
        var begins = _index != Index(piece) || (Text(piece, "id") is { Length: > 0 } id && id != _id && !string.IsNullOrEmpty(NameIn(piece)));
        if (begins)
        {
            (_index, _id) = (Index(piece), Text(piece, "id"));
            _given.Clear();
        }

        _given.Append(ArgumentsOf(piece));
        return begins;
    }

    private bool IsWhole()
    {
        try
        {
            using var _ = JsonDocument.Parse(_given.ToString());
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
