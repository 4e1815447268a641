using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Fuzz.Targets;

/// <summary>
/// Requests to a running gateway over loopback: nine in ten well framed, with damage to the body, the path or one header; the rest damaged anywhere, framing too.
/// Each is answered in time, by no 500 and with nothing logged as an error; an error has a JSON body that says why. (400s of the server's own parser have no body.)
/// </summary>
internal sealed class HttpTarget : FuzzTarget
{
    private const string Key = "fuzz-key";
    private const byte Framed = (byte)'F', Raw = (byte)'R';

    private readonly WebApplication _app;
    private readonly ErrorCount _errors = new();
    private readonly IPEndPoint _address;
    private readonly List<byte[]> _requests = [];
    private readonly Mutator _bodies, _heads, _raw;
    private readonly byte[] _answer = new byte[1 << 20];
    private Socket? _kept;

    private HttpTarget(WebApplication app, ErrorCount errors)
        : base("http", 1 << 16)
    {
        (_app, _errors) = (app, errors);
        _address = IPEndPoint.Parse(new Uri(app.Urls.Single()).Authority);
        var receipt = Receipt();
        Add("POST", "/v1/chat/completions", """{"model":"auto","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"What is the pH of the mixture?"}],"user":"ann","max_tokens":100,"temperature":0.5}""", "x-router-mode: apply", "x-router-max-cost-usd: 0.5", "x-router-user: bob");
        Add("POST", "/v1/chat/completions", """{"model":"auto:cheap","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"response_format":{"type":"json_object"}}""", "x-router-compare: allow");
        Add("POST", "/v1/chat/completions", """{"model":"router-mf-0.5","messages":[{"role":"user","content":"Why?"},{"role":"assistant","content":null,"tool_calls":[]},{"role":"user","content":"Why?"}],"safety_identifier":"ann","metadata":{"a":"b"}}""", "x-router-mode: observe");
        Add("POST", "/v1/responses", """{"model":"auto","instructions":"Be brief.","input":"What is the pH of the mixture?","user":"ann","max_output_tokens":100,"metadata":{"a":"b"},"reasoning":{"effort":"low","summary":"auto"},"include":["message.output_text.logprobs"],"top_logprobs":2}""", "x-router-mode: apply");
        Add("POST", "/v1/responses", """{"model":"auto:cheap","stream":true,"store":false,"input":[{"role":"developer","content":"Be brief."},{"type":"message","role":"user","content":[{"type":"input_text","text":"What is this?"},{"type":"input_image","image_url":"data:image/png;base64,AA=="}]},{"type":"reasoning","summary":[]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"}],"tools":[{"type":"function","name":"f","parameters":{},"strict":true},{"type":"custom","name":"g","format":{"type":"grammar","syntax":"regex","definition":"a"}},{"type":"namespace","name":"n","tools":[{"type":"function","name":"h"}]}],"tool_choice":{"type":"function","name":"f"},"text":{"verbosity":"low","format":{"type":"json_schema","name":"s","schema":{}}}}""");
        Add("POST", "/v1/responses/input_tokens", """{"model":"auto","input":[{"role":"user","content":"Why?"}]}""");
        Add("POST", "/v1/responses/AAAA/cancel", "");
        Add("POST", "/v1/messages", """{"model":"auto","max_tokens":100,"system":"Be brief.","stream":true,"metadata":{"user_id":"ann"},"messages":[{"role":"user","content":"Why?"},{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"x"},{"type":"text","text":"So?"}]}],"tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"auto"}}""");
        Add("POST", "/v1/messages/count_tokens", """{"model":"auto","messages":[{"role":"user","content":"Why?"}]}""");
        Add("POST", "/v1/router/route", """{"user":"ann","input":"What is the pH of the mixture?","lambda_cost":0.3,"lambda_latency":0.01,"compare":true,"max_cost_usd":0.1}""");
        Add("POST", "/v1/router/route", """{"messages":[{"role":"user","content":"Why?"}],"models":["gpt-4o-2024-08-06","llama-3.1-8b-instruct"]}""");
        foreach (var said in new[] { "\"kind\":\"thumb\",\"value\":\"up\"", "\"kind\":\"rating\",\"value\":4", "\"kind\":\"comparison\",\"value\":\"offered\"", "\"kind\":\"switch_model\",\"value\":\"cheaper\"", "\"kind\":\"task_success\",\"value\":true,\"occurred_at\":\"2026-01-31T12:00:00Z\"", "\"kind\":\"edit\",\"withdrawn\":true" })
        {
            Add("POST", "/v1/router/feedback", $$"""{"receipt":"{{receipt}}","user":"ann",{{said}}}""");
        }

        Add("POST", "/v1/embeddings", """{"model":"text-embedding-3-small","input":["a","b"]}""");
        Add("PUT", "/v1/router/models", """{"models":[{"id":"gpt-4o-2024-08-06","input_price_usd_per_million":2.5,"output_price_usd_per_million":10,"capabilities":["tools"]},{"id":"llama-3.1-8b-instruct","input_price_usd_per_million":0.18,"output_price_usd_per_million":0.18,"enabled":true}]}""", "If-Match: \"0123456789abcdef\"");
        Add("PUT", "/v1/router/mode", """{"mode":"apply"}""");
        Add("POST", "/v1/router/users/ann/import", """{"record":"VQEJAAAAAAAA"}""");
        Add("POST", "/v1/router/users/ann/verify", """{"receipt":"AAAA"}""");
        Add("POST", "/v1/router/users/ann/reset", "");
        Add("DELETE", "/v1/router/models", "");
        Add("DELETE", "/v1/router/users/ann", "");
        Add("POST", "/v1/console/playground", """{"input":"Why?","user":"ann","compare":true}""");
        Add("POST", "/v1/console/learning/rollback", """{"version":"0123456789abcdef"}""");
        foreach (var path in new[] { "/v1/models", "/v1/models/gpt-4o-2024-08-06", "/v1/responses/AAAA", "/v1/responses/AAAA/input_items", "/v1/router/users/ann", "/v1/router/users/ann/export", "/v1/router/models", "/v1/router/mode", "/v1/router/decisions", "/v1/router/savings", "/health", "/alive", "/", "/console/index.html", "/openapi/v1.json", "/v1/console/session", "/v1/console/overview?minutes=60", "/v1/console/front?hours=24", "/v1/console/decisions?limit=50", "/v1/console/decisions/AAAA", "/v1/console/users?limit=5", "/v1/console/learning", "/v1/console/models" })
        {
            Add("GET", path, "", "Accept: application/json");
        }

        string[] words =
        [
            receipt, "\"messages\":", "\"role\":\"user\"", "\"content\":", "\"model\":\"auto\"", "auto:quality", "auto:balanced", "router-x-0.1", "\"stream\":true", "\"user\":\"ann\"", "\"receipt\":", "\"kind\":", "\"value\":", "\"withdrawn\":true", "\"occurred_at\":", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "\"lambda_cost\":", "\"models\":",
            "\"compare\":true", "\"max_tokens\":", "\"input\":", "\"type\":\"input_text\"", "\"type\":\"function_call\"", "\"type\":\"namespace\"", "\"previous_response_id\":", "\"n\":", "\"tools\":[]", "null", "[]", "{}", "\"__proto__\":1", "..", "%2e%2e%2f", "%00", "%ff", "?limit=", "&", "//", ";", "\\",
        ];
        _bodies = new Mutator([.. _requests.Select(r => r[(Body(r) + 4)..]).Where(b => b.Length > 0)], isText: true, words);
        _heads = new Mutator([.. _requests], isText: true, "apply", "observe", "off", "allow", "Bearer " + Key, "Bearer ", "Basic YTpi", "no", "1e309", "-1", "NaN", "*", "\"0123456789abcdef\"", "gzip", "identity", "text/event-stream", "..%2f", "%2e", "%", "?a=b", "ann", "%C0%80");
        _raw = new Mutator(_requests, isText: true, "\r\n", "\r\n\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n", "Content-Length: -1\r\n", "Content-Length: 99999999999999999999\r\n", "Expect: 100-continue\r\n", "Connection: close\r\n", "Connection: Upgrade\r\nUpgrade: h2c\r\n", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "Host: a\r\n", "\0", "GET ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "0\r\n\r\n", "FFFFFFFFFFFFFFFF\r\n", "Authorization: Bearer " + Key + "\r\n", "Content-Encoding: gzip\r\n", new string('a', 9000));
    }

    public override string Reads => "a gateway over loopback: bodies, paths, headers, framing";

    public override TimeSpan TimeLimit => TimeSpan.FromSeconds(10);

    /// <summary>The gateway's threads.</summary>
    public override bool IsReadElsewhere => true;

    /// <summary>What a gateway does by the clock counts too.</summary>
    public override long MemoryLimit(int length) => (64 << 20) + (64L * length);

    public static async Task<HttpTarget> StartAsync()
    {
        var errors = new ErrorCount();
        string[] scopes = ["inference", "feedback", "read", "admin"];
        var app = await GatewayApp.BuildAsync(
            ["--urls", "http://127.0.0.1:0", "--MetaRouter:Store", "memory", "--ApiKeys:0:Sha256", Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Key))), "--ApiKeys:0:Tenant", "fuzz", .. scopes.SelectMany((s, i) => new[] { $"--ApiKeys:0:Scopes:{i}", s })],
            services => services.AddLogging(l => l.ClearProviders().AddProvider(errors)));
        await app.StartAsync();
        return new HttpTarget(app, errors);
    }

    public override void Draw(Chance chance)
    {
        if (chance.OneIn(10))
        {
            _raw.Draw(chance, Input);
            Input.Replace(0, 0, [Raw]);
            return;
        }

        var request = _requests[chance.Next(_requests.Count)];
        var body = Body(request) + 4;
        Input.Set(request.AsSpan(body));
        if (Input.Length > 0 && !chance.OneIn(4))
        {
            _bodies.Change(chance, Input);
        }

        var length = Input.Length;
        Input.Replace(0, 0, request.AsSpan(0, body));
        if (chance.OneIn(3))
        {
            DamageHead(chance, request.AsSpan(0, body));
        }

        Frame(length);
        Input.Replace(0, 0, [Framed]);
    }

    public override bool Run()
    {
        var errors = _errors.Count;
        var status = Input.Bytes[0] == Framed ? Send(Input.Bytes[1..]) : SendAlone(Input.Bytes[1..]);
        Promise(_errors.Count == errors, $"Answered by {status} and logged as an error: {_errors.Last}");
        Promise(status is 0 or (>= 200 and < 500) or 501 or 505, $"Answered by {status}: {Encoding.UTF8.GetString(_answer.AsSpan(0, 400))}"); // 505: another version of HTTP
        return status is >= 200 and < 300;
    }

    public override async ValueTask DisposeAsync()
    {
        _kept?.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        await base.DisposeAsync();
    }

    private static int Body(byte[] request) => request.AsSpan().IndexOf("\r\n\r\n"u8);

    private void Add(string method, string path, string body, params string[] headers) =>
        _requests.Add(Encoding.UTF8.GetBytes($"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {Key}\r\nContent-Type: application/json\r\n{string.Concat(headers.Select(h => h + "\r\n"))}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"));

    /// <summary>One line of the head is changed; its framing is not.</summary>
    private void DamageHead(Chance chance, ReadOnlySpan<byte> head)
    {
        var line = new Draft(1 << 14);
        var lines = head.Count("\r\n"u8) - 2; // neither the last header, which is the length, nor the empty line
        var (which, at) = (chance.Next(lines), 0);
        for (; which > 0; which--)
        {
            at += head[at..].IndexOf("\r\n"u8) + 2;
        }

        var length = head[at..].IndexOf("\r\n"u8);
        line.Set(head.Slice(at, length));
        _heads.Change(chance, line);
        var bytes = line.Bytes;
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = bytes[i] is (byte)'\r' or (byte)'\n' ? (byte)' ' : bytes[i];
        }

        Input.Replace(at, length, bytes[..Math.Min(bytes.Length, 6000)]);
    }

    /// <summary>The length as it is.</summary>
    private void Frame(int bodyLength)
    {
        var name = "Content-Length: "u8;
        var head = Input.Length - bodyLength;
        var at = Input.Bytes[..head].LastIndexOf(name) + name.Length;
        Input.Replace(at, head - 4 - at, Encoding.ASCII.GetBytes(bodyLength.ToString(CultureInfo.InvariantCulture)));
    }

    private string Receipt()
    {
        Add("POST", "/v1/router/route", """{"user":"ann","input":"Why?","compare":true}""");
        var status = Send(_requests[^1]);
        _requests.Clear();
        var text = Encoding.UTF8.GetString(_answer);
        var at = text.IndexOf("\"receipt\":\"", StringComparison.Ordinal) + 11;
        return status == 200 ? text[at..text.IndexOf('"', at)] : throw new InvalidOperationException($"The gateway does not route: {status} {text[..200]}");
    }

    private Socket Connect()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = (int)TimeLimit.TotalMilliseconds, LingerState = new LingerOption(true, 0) };
        socket.Connect(_address);
        return socket;
    }

    /// <summary>A request whose end is where it says, on a connection that is kept.</summary>
    private int Send(ReadOnlySpan<byte> request)
    {
        for (var attempt = 0; ; attempt++)
        {
            var isNew = _kept is null;
            _kept ??= Connect();
            try
            {
                SendAll(_kept, request);
                var status = Receive(_kept, head: request.StartsWith("HEAD"u8), out var stays);
                if (!stays)
                {
                    Close();
                }

                if (status > 0 || isNew)
                {
                    return status;
                }
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown && !isNew && attempt == 0)
            {
                // The one before made the server close it.
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
            {
                Close();
                return 0;
            }

            Close();
        }
    }

    private void Close()
    {
        _kept?.Dispose();
        _kept = null;
    }

    /// <summary>Anything: who does not answer within 20 ms may be waiting for more, and is told that nothing comes.</summary>
    private int SendAlone(ReadOnlySpan<byte> request)
    {
        using var socket = Connect();
        try
        {
            SendAll(socket, request);
            if (!socket.Poll(20_000, SelectMode.SelectRead))
            {
                socket.Shutdown(SocketShutdown.Send);
            }

            return Receive(socket, head: request.StartsWith("HEAD"u8), out _);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return 0; // it was not worth an answer
        }
    }

    private static void SendAll(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    /// <summary>The answer's status; 0: the connection was closed without one.</summary>
    private int Receive(Socket socket, bool head, out bool stays)
    {
        var (have, status, from, end, isChunked) = (0, 0, 0, -1, false);
        stays = false;
        while (true)
        {
            if (end < 0 && _answer.AsSpan(from, have - from).IndexOf("\r\n\r\n"u8) is >= 0 and var at)
            {
                var lines = Encoding.Latin1.GetString(_answer, from, at);
                Promise(lines.StartsWith("HTTP/1.1 ", StringComparison.Ordinal), $"No answer of HTTP: {lines}");
                status = int.Parse(lines.AsSpan(9, 3), CultureInfo.InvariantCulture);
                from += at + 4;
                if (status == 100)
                {
                    continue;
                }

                isChunked = lines.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);
                stays = !lines.Contains("Connection: close", StringComparison.OrdinalIgnoreCase);
                end = from + (head || status is 204 or 304 || Value(lines, "Content-Length") is not { } length ? 0 : int.Parse(length, CultureInfo.InvariantCulture));
                if (lines.Contains("Content-Type: text/event-stream", StringComparison.OrdinalIgnoreCase) && !lines.Contains("x-router-model", StringComparison.OrdinalIgnoreCase))
                {
                    stays = false; // the console's events have no end
                    return status;
                }
            }

            if (end >= 0 && (isChunked && !head ? _answer.AsSpan(from, have - from).EndsWith("0\r\n\r\n"u8) : have >= end))
            {
                CheckError(status, from, isChunked ? from : end, head);
                stays &= isChunked || have == end;
                return status;
            }

            Promise(have < _answer.Length, "An answer of more than 1 MB.");
            var got = 0;
            try
            {
                got = socket.Receive(_answer, have, _answer.Length - have, SocketFlags.None);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                Promise(false, $"No end of an answer in {TimeLimit.TotalSeconds} s.");
            }

            if (got == 0)
            {
                stays = false;
                return status;
            }

            have += got;
        }
    }

    private void CheckError(int status, int from, int end, bool head)
    {
        if (status >= 400 && end > from && !head)
        {
            using var body = JsonDocument.Parse(_answer.AsMemory(from, end - from));
            Promise(body.RootElement.GetProperty("error").GetProperty("message").GetString() is { Length: > 10 }, $"A {status} that does not say why.");
        }
    }

    private static string? Value(string lines, string name)
    {
        var at = lines.IndexOf("\n" + name + ": ", StringComparison.OrdinalIgnoreCase);
        return at < 0 ? null : lines[(at + name.Length + 3)..].Split('\r')[0];
    }
}
