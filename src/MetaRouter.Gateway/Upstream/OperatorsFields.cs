using System.Text.Json;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// Fields by which an upstream that is a proxy itself (LiteLLM's) would be told where to send a request and with which key. Handed on, they would let a client choose what only the configuration
/// may, and lead the upstream into its own network.
/// </summary>
internal static class OperatorsFields
{
    private static readonly string[] s_names = ["api_base", "base_url", "api_key", "user_config"];

    /// <summary>One that is null is refused as well: LiteLLM takes another way wherever the field is there. The value may be a key, and is not repeated.</summary>
    /// <exception cref="ApiException">400: the request has such a field.</exception>
    public static void Refuse(JsonElement root)
    {
        foreach (var field in root.EnumerateObject())
        {
            foreach (var name in s_names)
            {
                if (field.NameEquals(name))
                {
                    throw new ApiException(
                        400, ErrorCodes.InvalidRequest, "unsupported_field",
                        $"'{name}' would tell an upstream where to send the request, or with which key, and that is the operator's to say (section {Configuration.UpstreamOptions.Section}); leave it out.",
                        name);
                }
            }
        }
    }
}
