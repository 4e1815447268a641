using StackExchange.Redis;

namespace MetaRouter.Hosting.Stores;

/// <summary>What a failure of Redis means, and what to do about it: told from the client's exceptions, and from Redis' own words.</summary>
internal static class RedisFailure
{
    public const string Unreachable = "it cannot be reached; start it, or check the address, ssl=true if it speaks TLS, the password and the network";

    public const string Password = "it wants a password, or a different one; set password=... or passwordFile=FILE (and user=... where it has users) in the address";

    public const string TwoMasters = "both call themselves the master; make one the other's replica, as a Sentinel does within seconds";

    public const string ReadOnly = "READONLY ", Loading = "LOADING ";

    private static readonly string[] Words = ["NOAUTH", "WRONGPASS", "AuthenticationFailure", "authentication failure"];

    /// <summary>One of the two refuses the other: waiting does not help.</summary>
    public static bool IsRefusal(Exception e) => IsOfTls(e) || IsOfPassword(e);

    private static bool IsOfTls(Exception e) => Causes(e).Any(c => c is System.Security.Authentication.AuthenticationException);

    /// <summary>The client also reports a broken TLS handshake as a failed authentication.</summary>
    private static bool IsOfPassword(Exception e) =>
        !Causes(e).Any(c => c is OperationCanceledException or System.Net.Sockets.SocketException or EndOfStreamException || (c is IOException and not StoreException))
        && Causes(e).Any(c => c is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } || (c is RedisException && IsOfPassword(c.Message)));

    /// <summary>Redis' words, or the client's for them.</summary>
    public static bool IsOfPassword(string message) => Words.Any(word => message.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static IEnumerable<Exception> Causes(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            yield return e;
        }
    }

    /// <summary>What to do, from the message of a failure of Redis that was reported by others.</summary>
    public static string Remedy(string words) => Refused(words)
        ?? (IsOfPassword(words) ? Password : "Redis does not answer, or not in time; what was asked may have been done. Check that it runs and can be reached");

    private static string? Refused(string words) => words switch
    {
        _ when words.Contains("OOM ", StringComparison.Ordinal) => "Redis is out of memory; raise maxmemory, with a policy that evicts nothing",
        _ when words.Contains(TwoMasters, StringComparison.Ordinal) => $"two nodes of Redis {TwoMasters}",
        _ when words.Contains(ReadOnly, StringComparison.Ordinal) => "this Redis is a replica; name the master, or all of them",
        _ when words.Contains(Loading, StringComparison.Ordinal) => "Redis is still loading what it has on its disk; try again when it is done",
        _ when words.Contains("NOPERM ", StringComparison.Ordinal)
            || words.Contains("can't run this command", StringComparison.Ordinal) => "Redis' user there lacks a right; give it those that the README names",
        _ when words.Contains("MISCONF ", StringComparison.Ordinal) => "Redis cannot write to its disk; free some space",
        _ => null,
    };

    public static string Remedy(Exception e) => e switch
    {
        _ when IsOfTls(e) =>
            "the two cannot agree on TLS; check that it listens with TLS on this port, ca=FILE (the authority that signed its certificate), "
                + "sslHost=NAME (the name in it), and cert=FILE with key=FILE if it asks for one",
        _ when IsOfPassword(e) => Password,
        RedisServerException s when Refused(s.Message) is { } remedy => remedy,
        RedisServerException => "Redis refuses",
        TimeoutException or OperationCanceledException => "it does not answer in time; what was asked may have been done, ask again",
        RedisException => Unreachable,
        _ => "the connection broke; what was asked may have been done, ask again",
    };

    /// <summary>Without the client's details of its own state, which follow the message after a comma or in brackets.</summary>
    public static string Innermost(Exception e) => Causes(e).Last() is var cause && cause is RedisException ? OneLine(cause).Split([',', '('])[0].Trim() : OneLine(cause);

    public static string OneLine(Exception e)
    {
        var text = e.Message.ReplaceLineEndings(" ").TrimEnd('.');
        return text.Length <= 160 ? text : text[..160] + "...";
    }
}
