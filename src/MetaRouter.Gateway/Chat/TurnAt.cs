using System.Text.Json;

namespace MetaRouter.Gateway.Chat;

/// <summary>Where the turn of a translated request stands in the chat request that is written of it, of which not every message of the user's is one there.</summary>
/// <param name="End">Where the user's last message that began a turn ends; 0: there is none.</param>
/// <param name="GoesOn">The last message, but for what the system adds, is what a tool gave back.</param>
internal readonly record struct TurnAt(int End, bool GoesOn)
{
    /// <param name="to">Has the message, which is not the system's, as its last.</param>
    /// <param name="isResult">It is, or has beside it, what a tool gave back.</param>
    public TurnAt After(Utf8JsonWriter to, bool isUsers, bool isResult) => new(isUsers && !isResult ? (int)(to.BytesCommitted + to.BytesPending) : End, isResult);
}
