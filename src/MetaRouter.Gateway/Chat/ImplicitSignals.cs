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
/// its end is abandoned. Messages are compared as keyed hashes; what they say, and in which language, is not looked at. Agents and chat windows ask beside a
/// conversation too, for its title or what to ask next: such a request is the same again only as the user's very last, and takes no conversation's place.
/// </summary>
internal sealed partial class ImplicitSignals(IEdgeRouter router, ISharedState shared, RouterSecrets secrets, WebConsole.Watch watch, GatewaySettings settings, GatewayMetrics metrics, ILogger<ImplicitSignals> logger)
{
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    public bool IsOn => settings.Gateway.ImplicitSignals;

    /// <summary>Looks whether a request is the user's last one again.</summary>
    /// <param name="named">The model it asks for by name; null: it is routed.</param>
    public async ValueTask LookAsync(string tenant, string user, ChatBody body, ModelProfile? named, ModelCatalog catalog)
    {
        if (await shared.RecallAsync(Name(tenant, user, body.StandsAlone)).ConfigureAwait(false) is not { Length: > 12 } last || BinaryPrimitives.ReadUInt64LittleEndian(last) != Hash(body.MessageBytes.Span))
        {
            return;
        }

        var model = BinaryPrimitives.ReadUInt32LittleEndian(last.AsSpan(8));
        var receipt = Encoding.ASCII.GetString(last.AsSpan(12));
        if (named is null)
        {
            await LearnAsync(tenant, user, new Feedback(receipt, FeedbackKind.Regenerate, 0)).ConfigureAwait(false);
        }
        else if (Core.Routing.Receipt.HashOf(named.Id) != model && catalog.Models.FirstOrDefault(m => Core.Routing.Receipt.HashOf(m.Id) == model) is { } served)
        {
            var isCheaper = named.InputPrice.Usd + named.OutputPrice.Usd < served.InputPrice.Usd + served.OutputPrice.Usd;
            await LearnAsync(tenant, user, new Feedback(receipt, FeedbackKind.SwitchModel, isCheaper ? (byte)1 : (byte)0)).ConfigureAwait(false);
        }
    }

    /// <summary>Notes a routed request for the next look.</summary>
    public ValueTask RememberAsync(string tenant, string user, ChatBody body, ModelId served, string receipt)
    {
        var note = new byte[12 + receipt.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(note, Hash(body.MessageBytes.Span));
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(8), Core.Routing.Receipt.HashOf(served));
        Encoding.ASCII.GetBytes(receipt, note.AsSpan(12));
        return NoteAsync(tenant, user, body, note);
    }

    /// <summary>The answer was cut short by its upstream: asking again says nothing of it.</summary>
    public ValueTask ForgetAsync(string tenant, string user, ChatBody body) => NoteAsync(tenant, user, body, ReadOnlyMemory<byte>.Empty);

    public ValueTask AbandonedAsync(string tenant, string user, string receipt) => LearnAsync(tenant, user, new Feedback(receipt, FeedbackKind.Abandon, 0));

    private async ValueTask NoteAsync(string tenant, string user, ChatBody body, ReadOnlyMemory<byte> note)
    {
        var ofConversation = body.StandsAlone ? ValueTask.CompletedTask : shared.RememberAsync(Name(tenant, user, isVeryLast: false), note, Memory);
        await shared.RememberAsync(Name(tenant, user, isVeryLast: true), note, Memory).ConfigureAwait(false);
        await ofConversation.ConfigureAwait(false);
    }

    private async ValueTask LearnAsync(string tenant, string user, Feedback feedback)
    {
        try
        {
            watch.Heard(tenant, user, feedback, await router.LearnAsync(tenant, user, feedback, CancellationToken.None).ConfigureAwait(false));
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
