using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;

namespace MetaRouter.Faults;

/// <summary>
/// Clients over HTTP, each with users of its own: asks for a decision (or an answer), says a word on it to any gateway, and says it again until it is acknowledged. Every
/// seventh word is repeated after that. Everything goes into the history. Where users are bounded, one who comes back is erased first, and the last word from before said again, which
/// must not count: nobody says more than a window holds.
/// </summary>
internal sealed class Load : IDisposable
{
    private const string Tenant = "default";
    internal const int MostSignals = 40; // of a user: fewer than a window holds

    /// <summary>In the place of an answer's status: the connection was refused or ended; nothing came within the client's time.</summary>
    internal const int Away = 0, Hangs = -1;

    private static readonly RouterSecrets Secrets = RouterSecrets.Read(World.Keys)!;
    private static readonly ReceiptSealer Sealer = new(Secrets.ReceiptKeys);
    private static int s_loads;

    private readonly World _world;
    private readonly string _name = FormattableString.Invariant($"load{Interlocked.Increment(ref s_loads)}");
    private readonly TimeSpan _pause;
    private readonly bool _chats;
    private readonly int _usersEach, _turn;
    private readonly HttpClient _client = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64, ConnectTimeout = TimeSpan.FromSeconds(2) }) { Timeout = TimeSpan.FromSeconds(10) };
    private readonly ConcurrentDictionary<string, bool> _users = new(), _erased = new();
    private readonly ConcurrentQueue<(long Began, double Ms)> _routes = [];
    private readonly Task _work;
    private readonly ConcurrentQueue<(long Began, long Ended, int Node)> _right = []; // acknowledgements; of a load that chats, whole answers
    private volatile bool _stops, _erases = true;

    /// <param name="chats">Answers of the upstream, in place of decisions only.</param>
    /// <param name="usersEach">How many users a client has, who take turns; 2 or more.</param>
    /// <param name="turn">How many words a user says in a turn.</param>
    public Load(World world, int seed = 1, int workers = 8, int pauseMs = 2, bool chats = false, int usersEach = int.MaxValue, int turn = MostSignals)
    {
        (_world, _pause, _chats, _usersEach, _turn) = (world, TimeSpan.FromMilliseconds(pauseMs), chats, usersEach, turn);
        _work = Task.WhenAll(Enumerable.Range(0, workers).Select(w => Task.Run(() => WorkAsync(w, new Random((seed * 1000) + w)))));
    }

    public History History { get; } = new();

    /// <summary>Users who come back are erased first; of no effect where users are not bounded.</summary>
    public bool Erases { get => _erases; set => _erases = value; }

    public int Acknowledged => History.Acknowledged;

    public async Task AckedAsync(int count)
    {
        for (var watch = Stopwatch.StartNew(); Acknowledged < count; await Task.Delay(10))
        {
            (watch.Elapsed < TimeSpan.FromSeconds(60)).ShouldBeTrue($"{Acknowledged} of {count} acknowledged after a minute; wrong: {string.Join("; ", History.All().Wrong.Take(3))}");
        }
    }

    /// <summary>Seconds from then to the first right answer to something asked since: an acknowledgement, or of a load that chats a whole answer.</summary>
    /// <param name="node">By this gateway; null: by any.</param>
    public async Task<double> RecoveredAsync(long since, int? node = null)
    {
        long? first = null;
        for (var watch = Stopwatch.StartNew(); first is null; await Task.Delay(5))
        {
            (watch.Elapsed < TimeSpan.FromSeconds(60)).ShouldBeTrue("no right answer a minute after the fault has ended");
            first = _right.Where(r => r.Began >= since && r.Node == (node ?? r.Node)).Select(r => (long?)r.Ended).Min();
        }

        return Stopwatch.GetElapsedTime(since, first.Value).TotalSeconds;
    }

    /// <summary>Of the time to a decision since then, in milliseconds; those that failed too.</summary>
    public double RoutePercentile(double share, long since = 0)
    {
        var sorted = _routes.Where(r => r.Began >= since).Select(r => r.Ms).Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
    }

    /// <summary>Ends the work and compares the history with what every gateway has of every user.</summary>
    public async Task<Verdict> CheckAsync()
    {
        _stops = true;
        await _work;
        await Task.Delay(_world.IsShared ? 1000 : 0); // as long as what others wrote may be unknown
        var final = new ConcurrentDictionary<string, IReadOnlyList<Signal>>();
        await Parallel.ForEachAsync(_users.Keys, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (user, cancellationToken) =>
        {
            var records = new HashSet<string>();
            foreach (var gateway in _world.Gateways.Where(g => g.IsRunning))
            {
                var answer = JsonNode.Parse(await _client.GetStringAsync(new Uri($"{gateway.Url}/v1/router/users/{user}/export"), cancellationToken))!;
                records.Add((string)answer["record"]!);
            }

            if (records.Count != 1)
            {
                History.AddWrong($"{user}: the gateways hold {records.Count} different records");
            }

            final[user] = [.. UserState.Read(Convert.FromBase64String(records.First())).Signals];
        });
        return HistoryChecker.Check(History, final);
    }

    /// <summary>Ends the work; nothing is looked at but the answers themselves.</summary>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        _stops = true;
        await _work;
        return History.All().Wrong;
    }

    public void Dispose() => _client.Dispose();

    private async Task WorkAsync(int worker, Random random)
    {
        var last = new Dictionary<string, (Said Word, string Token)>();
        for (var i = 0; !_stops; i++)
        {
            var turn = i / _turn;
            var user = UserOf(worker, turn);
            if (Erases && turn + 1 >= _usersEach && i % _turn == 0)
            {
                var leaves = UserOf(worker, turn + 1);
                if (!await EraseAsync(leaves, random))
                {
                    return;
                }

                if (last.Remove(leaves, out var before))
                {
                    await SayAsync(before.Word, before.Token, random.Next(_world.Gateways.Count));
                }
            }

            var question = FormattableString.Invariant($"Question {i} of client {worker}");
            var decidedAt = History.Next();
            var at = random.Next(_world.Gateways.Count);
            if (await (_chats ? ChatAsync(at, user, question) : RouteAsync(_world.Gateways[at], user, question)) is not { } token)
            {
                await Task.Delay(20);
                continue;
            }

            if (!Sealer.Open(token, IdentityHash.Compute(Secrets.IdentitySecret, Tenant), Secrets.HashOf(Tenant, user), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), out var receipt).IsValid)
            {
                History.AddWrong($"{user}: a receipt that is not this user's");
                continue;
            }

            _users[user] = true;
            var word = new Said(user, 0, decidedAt, new SignalKey(receipt.DecisionTimeMs, receipt.Nonce, FeedbackKind.Thumb), (byte)(i & 1), false, null, 0, 0, Reply.Unknown);
            last[user] = (word, token);
            var isDone = false;
            for (var (attempt, stopped) = (0, 0); !isDone && stopped < 100; attempt++)
            {
                isDone = await SayAsync(word, token, random.Next(_world.Gateways.Count)) != Reply.Unknown;
                stopped += _stops ? 1 : 0;
                if (!isDone)
                {
                    await Task.Delay(Math.Min(20 * (attempt + 1), 200));
                }
            }

            if (isDone && i % 7 == 0)
            {
                await SayAsync(word, token, random.Next(_world.Gateways.Count));
            }

            await Task.Delay(_pause);
        }
    }

    private string UserOf(int worker, int turn) => FormattableString.Invariant($"{_name}-{worker}-{turn % _usersEach}");

    /// <summary>A turn before the user comes back, so that every gateway has heard of it by then, unless Redis was away meanwhile.</summary>
    /// <returns>False: the work ended before anybody answered that it is done.</returns>
    private async Task<bool> EraseAsync(string user, Random random)
    {
        while (!_stops)
        {
            var (began, status) = (History.Next(), Away);
            try
            {
                using var response = await _client.DeleteAsync(new Uri($"{_world.Gateways[random.Next(_world.Gateways.Count)].Url}/v1/router/users/{user}"));
                status = (int)response.StatusCode;
            }
            catch (Exception e) when (IsAway(e))
            {
                // Away: it may be done yet.
            }
            catch (OperationCanceledException)
            {
                status = Hangs;
            }

            History.Add(new Erased(user, began, status == 200 ? History.Next() : long.MaxValue));
            if (status == 200)
            {
                return _erased[user] = true;
            }

            if (status is not (Away or 503))
            {
                History.AddWrong($"{user}: an erasure is answered by {status}");
            }

            await Task.Delay(50);
        }

        return false;
    }

    private async Task<string?> RouteAsync(GatewayProcess gateway, string user, string question)
    {
        var began = Stopwatch.GetTimestamp();
        var (status, body) = await PostAsync(_client, gateway.Url + "/v1/router/route", new JsonObject { ["user"] = user, ["input"] = question });
        _routes.Enqueue((began, Stopwatch.GetElapsedTime(began).TotalMilliseconds));
        if (status == Away)
        {
            return null;
        }

        if (status == 200 && body is { } answer && (string?)answer["model"] is { Length: > 0 } && (string?)answer["receipt"] is { } receipt)
        {
            return receipt;
        }

        // Routing needs no store and no upstream: whoever answers, answers.
        History.AddWrong($"{user}: route answers {status} {body?.ToJsonString()}");
        return null;
    }

    private async Task<Reply> SayAsync(Said word, string token, int at)
    {
        var (began, timestamp) = (History.Next(), Stopwatch.GetTimestamp());
        var (status, body) = await PostAsync(_client, _world.Gateways[at].Url + "/v1/router/feedback", new JsonObject { ["receipt"] = token, ["user"] = word.User, ["kind"] = "thumb", ["value"] = word.Value });
        var reply = (status, (bool?)body?["counted"]) switch
        {
            (200, true) => Reply.Counted,
            (200, false) => Reply.Known,
            (400 or 410, _) => Reply.Refused,
            _ => Reply.Unknown,
        };
        if (status is not (Away or 200 or 503) && !(status == 400 && IsFromTheFuture(body)) && !(status == 410 && _erased.ContainsKey(word.User)))
        {
            History.AddWrong($"{word.User}: feedback is answered by {status} {body?.ToJsonString()}");
        }

        History.Add(word with { Node = at, Began = began, Ended = History.Next(), Reply = reply });
        if (!_chats && reply is Reply.Counted or Reply.Known)
        {
            _right.Enqueue((timestamp, Stopwatch.GetTimestamp(), at));
        }

        return reply;
    }

    /// <summary>A gateway whose clock went back says so of what was decided before.</summary>
    internal static bool IsFromTheFuture(JsonNode? body) => ((string?)body?["error"]?["message"])?.Contains("ahead of this router's clock", StringComparison.Ordinal) == true;

    /// <returns>The answer's id, if it is whole; every answer that looks whole must be what the upstream said.</returns>
    private async Task<string?> ChatAsync(int at, string user, string question)
    {
        var began = Stopwatch.GetTimestamp();
        var (text, id, isDone, isBroken) = (new StringBuilder(), (string?)null, false, false);
        try
        {
            var asked = new JsonObject { ["model"] = "auto", ["stream"] = true, ["user"] = user, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = question }) };
            using var limit = new CancellationTokenSource(_client.Timeout);
            using var request = new HttpRequestMessage(HttpMethod.Post, _world.Gateways[at].Url + "/v1/chat/completions") { Content = new StringContent(asked.ToJsonString(), Encoding.UTF8, "application/json") };
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                if ((int)response.StatusCode is not (429 or 502 or 503 or 504))
                {
                    History.AddWrong($"{user}: a chat is answered by {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(limit.Token)}");
                }

                return null;
            }

            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(limit.Token));
            while (await reader.ReadLineAsync(limit.Token) is { } line)
            {
                if (line == "data: [DONE]")
                {
                    isDone = true;
                }
                else if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    var part = JsonNode.Parse(line[6..])!;
                    isBroken |= part["error"] is not null;
                    id = (string?)part["id"] ?? id;
                    text.Append((string?)part["choices"]?[0]?["delta"]?["content"]);
                }
            }
        }
        catch (Exception e) when (IsAway(e))
        {
            isBroken = true; // and the client knows
        }
        catch (OperationCanceledException)
        {
            History.AddWrong($"{user}: {question}: no end of an answer in {_client.Timeout.TotalSeconds} s");
            return null;
        }
        catch (JsonException e)
        {
            History.AddWrong($"{user}: {question}: an event that is no JSON: {e.Message}");
            return null;
        }

        _routes.Enqueue((began, Stopwatch.GetElapsedTime(began).TotalMilliseconds));
        if (isBroken)
        {
            return null;
        }

        if (!isDone || text.ToString() != BadUpstream.AnswerTo(question))
        {
            History.AddWrong($"{user}: {question}: passes for whole, and is: {text}");
            return null;
        }

        _right.Enqueue((began, Stopwatch.GetTimestamp(), at));
        return id;
    }

    /// <returns>Status <see cref="Away"/> or <see cref="Hangs"/>: no answer.</returns>
    internal static async Task<(int Status, JsonNode? Body)> PostAsync(HttpClient client, string url, JsonObject body)
    {
        try
        {
            using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
            using var response = await client.PostAsync(new Uri(url), content);
            return ((int)response.StatusCode, JsonOf(await response.Content.ReadAsStringAsync()));
        }
        catch (Exception e) when (IsAway(e))
        {
            return (Away, null);
        }
        catch (OperationCanceledException)
        {
            return (Hangs, null);
        }
    }

    /// <remarks>A connection reset as it is made is a <see cref="SocketException"/>, which .NET lets through.</remarks>
    private static bool IsAway(Exception e) => e is HttpRequestException or IOException or SocketException;

    private static JsonNode? JsonOf(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
