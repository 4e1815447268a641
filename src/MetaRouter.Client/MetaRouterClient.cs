using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetaRouter.Client;

/// <summary>
/// A gateway's own API: decisions, feedback, and what was learned of users. For completions use any OpenAI client with the gateway's address; a completion's id is
/// the receipt that <see cref="SendFeedbackAsync"/> takes.
/// </summary>
/// <remarks>
/// What a gateway refuses is a <see cref="MetaRouterException"/>; one that cannot be reached an <see cref="HttpRequestException"/>, one that does not answer in time a
/// <see cref="TaskCanceledException"/>. Feedback may be sent again after any of them: the same word counts once.
/// </remarks>
/// <param name="http">Its base address is the gateway's; where that has a path, with a slash at the end.</param>
public sealed class MetaRouterClient(HttpClient http)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Which model should answer; nothing is called.</summary>
    public Task<RouteReply> RouteAsync(RouteCall call, CancellationToken cancellationToken = default) => SendAsync<RouteReply>(HttpMethod.Post, "v1/router/route", call, cancellationToken);

    /// <summary>What a user thought of a decision; returns when it is kept.</summary>
    public Task<FeedbackReply> SendFeedbackAsync(FeedbackCall call, CancellationToken cancellationToken = default) =>
        SendAsync<FeedbackReply>(HttpMethod.Post, "v1/router/feedback", call, cancellationToken);

    /// <summary>Which model answered, and why, by what an answer came with.</summary>
    /// <param name="receipt">Of a decision, or a completion's id.</param>
    /// <param name="user">Whose it is; null: nobody's, or, for a key with the scope read, anybody's.</param>
    public Task<FoundDecision> FindDecisionAsync(string receipt, string? user = null, CancellationToken cancellationToken = default) =>
        SendAsync<FoundDecision>(HttpMethod.Get, PathOf(receipt, "v1/router/decisions/") + (string.IsNullOrEmpty(user) ? "" : $"?user={Uri.EscapeDataString(user)}"), null, cancellationToken);

    /// <summary>What is believed of a user.</summary>
    public Task<UserReply> GetUserAsync(string user, CancellationToken cancellationToken = default) => SendAsync<UserReply>(HttpMethod.Get, PathOf(user), null, cancellationToken);

    /// <summary>Forgets a user for good; feedback on what was decided before is refused from now on.</summary>
    public Task<ErasedReply> EraseAsync(string user, CancellationToken cancellationToken = default) => SendAsync<ErasedReply>(HttpMethod.Delete, PathOf(user), null, cancellationToken);

    /// <summary>What was learned of a user, for the user to keep or take elsewhere.</summary>
    public Task<ExportReply> ExportAsync(string user, CancellationToken cancellationToken = default) => SendAsync<ExportReply>(HttpMethod.Get, PathOf(user) + "/export", null, cancellationToken);

    /// <summary>Adds an export to what is known of a user; the same export twice is one.</summary>
    public Task<UserChangeReply> ImportAsync(string user, string record, CancellationToken cancellationToken = default) =>
        SendAsync<UserChangeReply>(HttpMethod.Post, PathOf(user) + "/import", new { record }, cancellationToken);

    /// <summary>Lets a user start anew.</summary>
    public Task<UserChangeReply> ResetAsync(string user, CancellationToken cancellationToken = default) =>
        SendAsync<UserChangeReply>(HttpMethod.Post, PathOf(user) + "/reset", new { }, cancellationToken);

    /// <summary>What the key's tenant may spend in this period, and has.</summary>
    /// <param name="user">Whose own budget is told as well; null: nobody's.</param>
    public Task<BudgetReply> GetBudgetAsync(string? user = null, CancellationToken cancellationToken = default) =>
        SendAsync<BudgetReply>(HttpMethod.Get, string.IsNullOrEmpty(user) ? "v1/router/budget" : $"v1/router/budget?user={Uri.EscapeDataString(user)}", null, cancellationToken);

    /// <summary>Gives receipts a new key, on every gateway of the store.</summary>
    /// <param name="atOnce">Because the key in use leaked: feedback on everything decided so far is refused. Otherwise receipts stay valid for their lifetime.</param>
    public Task<RotatedReply> RotateKeysAsync(bool atOnce = false, CancellationToken cancellationToken = default) =>
        SendAsync<RotatedReply>(HttpMethod.Post, "v1/router/keys/rotate", new { at_once = atOnce }, cancellationToken);

    /// <summary>Has a gateway on SQLite copy its file while it runs. A large one may take longer than <see cref="HttpClient.Timeout"/>, and is given up then.</summary>
    public Task<BackupReply> BackUpAsync(CancellationToken cancellationToken = default) => SendAsync<BackupReply>(HttpMethod.Post, "v1/router/backup", null, cancellationToken);

    /// <summary>Who the key is; needs no scope.</summary>
    public Task<SessionReply> GetSessionAsync(CancellationToken cancellationToken = default) => SendAsync<SessionReply>(HttpMethod.Get, "v1/console/session", null, cancellationToken);

    /// <summary>The last minutes' traffic in figures.</summary>
    /// <param name="minutes">1 to 1,440.</param>
    public Task<OverviewReply> GetOverviewAsync(int minutes = 60, CancellationToken cancellationToken = default) =>
        SendAsync<OverviewReply>(HttpMethod.Get, Invariant($"v1/console/overview?minutes={minutes}"), null, cancellationToken);

    /// <summary>The latest decisions that the gateway keeps.</summary>
    /// <param name="limit">1 to 1,000.</param>
    public Task<DecisionsReply> GetDecisionsAsync(int limit = 100, CancellationToken cancellationToken = default) =>
        SendAsync<DecisionsReply>(HttpMethod.Get, Invariant($"v1/console/decisions?limit={limit}"), null, cancellationToken);

    /// <summary>What is believed of a user, how each signal moved it, and the latest decisions.</summary>
    /// <param name="user">An id, or a tilde and the pseudonym of a decision.</param>
    public Task<UserStoryReply> GetUserStoryAsync(string user, CancellationToken cancellationToken = default) =>
        SendAsync<UserStoryReply>(HttpMethod.Get, PathOf(user, "v1/console/users/"), null, cancellationToken);

    /// <summary>The traffic as it happens: an overview at once and every two seconds, and of decisions at most ten a second. Ends when the gateway stops.</summary>
    /// <param name="minutes">That the overviews are of, 1 to 1,440.</param>
    public async IAsyncEnumerable<TrafficEvent> WatchAsync(int minutes = 60, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var path = Invariant($"v1/console/events?minutes={minutes}");
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        using var response = await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            throw await FailureAsync(response, cancellationToken).ConfigureAwait(false);
        }

        if (response.Content.Headers.ContentType?.MediaType is not "text/event-stream" and var type)
        {
            throw new MetaRouterException(
                (int)response.StatusCode, "",
                $"The address of the gateway answered GET {path} with '{type}' instead of a stream of events; check that it is a gateway.", null);
        }

        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var one in SseParser.Create(stream, Read).EnumerateAsync(cancellationToken).ConfigureAwait(false))
        {
            if (one.Data is { } data)
            {
                yield return data;
            }
        }

        static TrafficEvent? Read(string type, ReadOnlySpan<byte> data) => type switch
        {
            "overview" => new(JsonSerializer.Deserialize<OverviewReply>(data, Json), null),
            "decision" => new(null, JsonSerializer.Deserialize<DecisionLine>(data, Json)),
            _ => null,
        };
    }

    private static string PathOf(string user, string under = "v1/router/users/")
    {
        ArgumentException.ThrowIfNullOrEmpty(user);
        return under + Uri.EscapeDataString(user);
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private async Task<T> SendAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body, body.GetType(), new MediaTypeHeaderValue("application/json"), Json) };
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            throw await FailureAsync(response, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await response.Content.ReadFromJsonAsync<T>(Json, cancellationToken).ConfigureAwait(false) ?? throw Invalid("null");
        }
        catch (JsonException)
        {
            throw Invalid("something that is no answer of a gateway; check that the address is one's");
        }

        MetaRouterException Invalid(string what) => new((int)response.StatusCode, "invalid_answer", $"The gateway answered {method} {path} with {what}.", null);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        try
        {
            return await http.SendAsync(request, completion, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            // .NET lets it through where the peer resets a connection as it is made.
            throw new HttpRequestException(HttpRequestError.ConnectionError, e.Message, e);
        }
    }

    private static async Task<MetaRouterException> FailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var (status, text) = ((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false));
        try
        {
            var error = JsonSerializer.Deserialize<ErrorReply>(text, Json)?.Error;
            if (error?.Message is { } message)
            {
                return new MetaRouterException(status, error.Code ?? "", message, response.Headers.RetryAfter?.Delta);
            }
        }
        catch (JsonException)
        {
            // Something in between answered, not the gateway.
        }

        return new MetaRouterException(
            status, "",
            string.Create(CultureInfo.InvariantCulture, $"The address of the gateway answered with status {status} and no error of a gateway; check that it is one."),
            null);
    }

    private sealed record ErrorReply(ErrorBody? Error);

    private sealed record ErrorBody(string? Message, string? Code);
}
