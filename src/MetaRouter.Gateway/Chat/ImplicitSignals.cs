using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Gateway.Chat;

/// <summary>
/// Learns from what users do rather than say: the same messages sent again are a regenerate, sent again to a named model a switch, and a stream left before
/// its end is abandoned. Messages are compared as keyed hashes; what they say, and in which language, is not looked at. Agents and chat windows also make side requests
/// of a conversation, for its title or what to ask next: such a request is recognised only right after itself, and does not replace the conversation's last.
/// </summary>
internal sealed partial class ImplicitSignals(
    IEdgeRouter router,
    ISharedState shared,
    RouterSecrets secrets,
    WebConsole.ConsoleRecorder recorder,
    GatewaySettings settings,
    GatewayMetrics metrics,
    ILogger<ImplicitSignals> logger)
{
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    /// <summary>Checks whether a request repeats the user's last one.</summary>
    /// <param name="isRetry">A client's library repeats it and says so: that says nothing of the user.</param>
    public async ValueTask LookAsync(ChatCall call, bool isRetry)
    {
        if (isRetry || UserOf(call) is not { } user
            || await shared.RecallAsync(Name(call.Tenant, user, call.Body.StandsAlone)).ConfigureAwait(false) is not { Length: > 12 } last
            || BinaryPrimitives.ReadUInt64LittleEndian(last) != Hash(call.Body.MessageBytes.Span))
        {
            return;
        }

        var model = BinaryPrimitives.ReadUInt32LittleEndian(last.AsSpan(8));
        var receipt = Encoding.ASCII.GetString(last.AsSpan(12));
        if (call.IsAuto)
        {
            await LearnAsync(call.Tenant, user, new Feedback(receipt, FeedbackKind.Regenerate, 0)).ConfigureAwait(false);
        }
        else if (call.Unrouted is { } named && Core.Routing.Receipt.HashOf(named.Id) != model && call.Catalog.Models.FirstOrDefault(m => Core.Routing.Receipt.HashOf(m.Id) == model) is { } served)
        {
            var isCheaper = named.InputPrice.Usd + named.OutputPrice.Usd < served.InputPrice.Usd + served.OutputPrice.Usd;
            await LearnAsync(call.Tenant, user, new Feedback(receipt, FeedbackKind.SwitchModel, isCheaper ? (byte)1 : (byte)0)).ConfigureAwait(false);
        }
    }

    /// <summary>Remembers a request for the next check. A turn that tools interrupt is repeated from its beginning.</summary>
    /// <param name="receipt">Null: nothing was decided, and it is not noted.</param>
    public ValueTask RememberAsync(ChatCall call, ModelId served, string? receipt)
    {
        if (receipt is null || call.Body.GoesOn || UserOf(call) is not { } user)
        {
            return default;
        }

        var note = new byte[12 + receipt.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(note, Hash(call.Body.MessageBytes.Span));
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(8), Core.Routing.Receipt.HashOf(served));
        Encoding.ASCII.GetBytes(receipt, note.AsSpan(12));
        return NoteAsync(call, user, note);
    }

    /// <summary>Two answers came, of which the user says which is better: that they are asked for again says nothing, and neither does what was asked before them, which is the last no more.</summary>
    public ValueTask ComparedAsync(ChatCall call) => !call.Body.GoesOn && UserOf(call) is { } user ? NoteAsync(call, user, ReadOnlyMemory<byte>.Empty) : default;

    /// <summary>A stream has ended. One that its upstream cut short says nothing when it is asked for again; one that its reader left says something.</summary>
    /// <param name="receipt">Null: nothing was decided.</param>
    public ValueTask EndedAsync(ChatCall call, RelayedStream stream, string? receipt)
    {
        if (receipt is null || stream.IsWhole || UserOf(call) is not { } user)
        {
            return default;
        }

        return stream.IsBroken ? NoteAsync(call, user, ReadOnlyMemory<byte>.Empty)
            : call.Context.RequestAborted.IsCancellationRequested ? LearnAsync(call.Tenant, user, new Feedback(receipt, FeedbackKind.Abandon, 0))
            : default;
    }

    /// <summary>Null: no user is named, or implicit signals are off.</summary>
    private string? UserOf(ChatCall call) => settings.Gateway.ImplicitSignals ? call.User : null;

    private async ValueTask NoteAsync(ChatCall call, string user, ReadOnlyMemory<byte> note)
    {
        var ofConversation = call.Body.StandsAlone ? ValueTask.CompletedTask : shared.RememberAsync(Name(call.Tenant, user, isVeryLast: false), note, Memory);
        await shared.RememberAsync(Name(call.Tenant, user, isVeryLast: true), note, Memory).ConfigureAwait(false);
        await ofConversation.ConfigureAwait(false);
    }

    private async ValueTask LearnAsync(string tenant, string user, Feedback feedback)
    {
        try
        {
            recorder.FeedbackGiven(tenant, user, feedback, await router.LearnAsync(tenant, user, feedback, CancellationToken.None).ConfigureAwait(false));
            metrics.ImplicitSignals.Add(1, new KeyValuePair<string, object?>(LabelNames.Kind, feedback.Kind.ToString()));
        }
        catch (StoreException e)
        {
            LogLost(feedback.Kind, e.Message); // nobody sent it, so nobody can send it again
        }
    }

    /// <param name="isVeryLast">The last request of all; else the last one of a conversation.</param>
    private string Name(string tenant, string user, bool isVeryLast) => $"i:{IdentityHash.Compute(secrets.IdentitySecret, tenant, user):x16}{(isVeryLast ? "" : ":c")}";

    private ulong Hash(ReadOnlySpan<byte> messages)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secrets.IdentitySecret, messages, hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "An implicit {Kind} was noticed and could not be kept. {Reason}")]
    private partial void LogLost(FeedbackKind kind, string reason);
}
