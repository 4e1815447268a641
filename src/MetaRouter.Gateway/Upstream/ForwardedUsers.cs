using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Messages;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// What upstreams are told of users, as their entries say: <c>user</c> and <c>safety_identifier</c> of a body, and <c>user_id</c> of its <c>metadata</c>. Hashed by a key of the tenant's own, so that neither
/// an upstream nor a store can tell that two tenants' users, or its hash and the other's, are one and the same.
/// </summary>
internal sealed class ForwardedUsers(RouterSecrets secrets)
{
    public const string Sent = "sent", Hashed = "hashed", None = "none";

    /// <summary>OpenAI takes 64 characters; 128 bits are enough to tell users apart.</summary>
    private const int HashCharacters = 32;

    /// <returns>What stands for a user at the upstream, or null where nothing does; null itself: bodies stay as they were sent.</returns>
    public Func<string, string?>? For(UpstreamOptions upstream, string tenant) => upstream.UserIds switch
    {
        Hashed => user => HashOf(tenant, user),
        None => static _ => null,
        _ => null,
    };

    private string HashOf(string tenant, string user)
    {
        var key = HMACSHA256.HashData(secrets.IdentitySecret, Encoding.UTF8.GetBytes("user ids for upstreams\n" + tenant));
        return Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(user)))[..HashCharacters];
    }

    /// <summary>The body with every user in it replaced, or left out. Of a field that is there more than once each is, since which one an upstream reads is not known.</summary>
    /// <param name="told">As <see cref="For"/> has it.</param>
    public static byte[] Rewrite(ReadOnlySpan<byte> body, Func<string, string?> told) => Rewrite(body, told, isMetadata: false);

    private static byte[] Rewrite(ReadOnlySpan<byte> json, Func<string, string?> told, bool isMetadata)
    {
        var reader = new Utf8JsonReader(json);
        var (output, count) = (new ArrayBufferWriter<byte>(json.Length + HashCharacters), 0);
        reader.Read();
        output.Write("{"u8);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isUser = isMetadata ? reader.IsAt("user_id"u8) : reader.IsAt("user"u8) || reader.IsAt("safety_identifier"u8);
            var holdsUsers = !isMetadata && reader.IsAt("metadata"u8);
            var name = json[(int)reader.TokenStartIndex..(int)reader.BytesConsumed]; // its colon, too
            reader.Read();
            var (type, start) = (reader.TokenType, (int)reader.TokenStartIndex);
            var user = isUser && type == JsonTokenType.String ? TextOf(reader) : null;
            reader.Skip();
            var value = json[start..(int)reader.BytesConsumed];
            if (isUser && type != JsonTokenType.Null)
            {
                if (user is null || told(isMetadata ? MessagesRequest.UserIn(user) : user) is not { } shown)
                {
                    continue;
                }

                value = JsonSplice.Quoted(shown);
            }
            else if (holdsUsers && type == JsonTokenType.StartObject)
            {
                value = Rewrite(value, told, isMetadata: true);
            }

            output.Write(count++ == 0 ? ""u8 : ","u8);
            output.Write(name);
            output.Write(value);
        }

        output.Write("}"u8);
        return output.WrittenSpan.ToArray();
    }

    /// <returns>Null: it has half a character in it, so it is nobody's.</returns>
    private static string? TextOf(in Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
