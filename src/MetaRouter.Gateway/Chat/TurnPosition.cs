using System.Text.Json;

namespace MetaRouter.Gateway.Chat;

/// <summary>Where the turn of a translated request stands in the chat request made from it, in which some of the user's messages are not the user's own.</summary>
/// <param name="End">Where the user's last message that began a turn ends; 0: there is none.</param>
/// <param name="GoesOn">The last message, apart from what the system adds, is a tool's result.</param>
internal readonly record struct TurnPosition(int End, bool GoesOn)
{
    /// <param name="to">The message just written to it is not the system's.</param>
    /// <param name="isResult">It is a tool's result, or came with one.</param>
    public TurnPosition After(Utf8JsonWriter to, bool isUsers, bool isResult) => new(isUsers && !isResult ? (int)(to.BytesCommitted + to.BytesPending) : End, isResult);
}
