using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using MetaRouter.Fuzz.Answers;
using MetaRouter.Gateway;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Fuzz.Targets;

/// <summary>
/// The same over real connections, with what only they have: damaged heads, lengths and chunks that lie, compression that ends early, resets. What a client is told to
/// be cut short is cut, too: some do not read what they are told.
/// </summary>
internal sealed class UpstreamTarget : FuzzTarget
{
    private const int Head = 3;
    private const byte Streams = 4, Named = 8, Resets = 16, Intact = 32;

    private readonly WebApplication _app;
    private readonly RawUpstream _upstream;
    private readonly ErrorCount _errors;
    private readonly SteppingTime _time;
    private readonly HttpClient _client;
    private readonly AnswerMutator _answers = new(1 << 16);
    private readonly Mutator _raw = new(
        ["HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nx-ratelimit-left: 7\r\n\r\n5\r\ndata:\r\n0\r\n\r\n"u8.ToArray(), "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}"u8.ToArray()], isText: true,
        "\r\n", "\r\n\r\n", "0\r\n\r\n", "FFFFFFFFFFFFFFFF\r\n", "-1\r\n", "5;a=b\r\n", "Content-Length: 5\r\n", "Content-Length: -1\r\n", "Content-Length: 99999999999999999999\r\n", "Content-Length: 900000000\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Content-Encoding: gzip\r\n", "Content-Encoding: br\r\n", "Content-Encoding: deflate\r\n",
        "Content-Type: text/event-stream\r\n", "Content-Type: a;b;c=\r\n", "Content-Type: \r\n", "Retry-After: 99999999999\r\n", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n", "Location: http://[::1\r\n", "Set-Cookie: a=b; Domain=\u0001\r\n", "x-ratelimit-limit: a\u00e9\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.0 200 OK\r\n", "HTTP/2.0 200 OK\r\n", "HTTP/1.1 99 A\r\n", "HTTP/1.1 999 A\r\n", "PRI * HTTP/2.0", "\0", new string('a', 9000));

    private UpstreamTarget(WebApplication app, RawUpstream upstream, ErrorCount errors, SteppingTime time)
        : base("upstreams", 1 << 16)
    {
        (_app, _upstream, _errors, _time) = (app, upstream, errors, time);
        _client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()), Timeout = TimeLimit };
    }

    public override string Reads => "the same over loopback: heads, framing and compression of answers, resets";

    public override TimeSpan TimeLimit => TimeSpan.FromSeconds(10);

    /// <summary>The gateway's threads.</summary>
    public override bool IsReadElsewhere => true;

    /// <summary>What a gateway does by the clock counts too.</summary>
    public override long MemoryLimit(int length) => (64 << 20) + (256L * length);

    public static async Task<FuzzTarget> StartAsync()
    {
        var (upstream, errors, time) = (new RawUpstream(), new ErrorCount(), new SteppingTime());
        var app = await GatewayApp.BuildAsync(
            [.. AnswerTarget.SettingsOf(upstream.Url), "--urls", "http://127.0.0.1:0", "--Gateway:UpstreamBodyBytes", "1000000"],
            services =>
            {
                services.AddLogging(l => l.ClearProviders().AddProvider(errors));
                services.AddSingleton<TimeProvider>(time);
            });
        await app.StartAsync();
        return new UpstreamTarget(app, upstream, errors, time);
    }

    public override void Draw(Chance chance)
    {
        var form = chance.OneIn(16) ? ClientForm.Embeddings : (ClientForm)chance.Next(3);
        var streams = form != ClientForm.Embeddings && chance.OneIn(2);
        var (isWell, status) = (chance.OneIn(4), chance.OneIn(4) ? chance.Of<int>([204, 302, 400, 401, 403, 404, 413, 429, 500, 503]) : 200);
        var kind = status >= 300 ? AnswerKind.Refusal : form == ClientForm.Embeddings ? AnswerKind.Vectors : streams ? AnswerKind.Stream : AnswerKind.Whole;
        _answers.Draw(chance, kind, isWell || chance.OneIn(2), Input);
        Frame(chance, streams && status < 300 ? "text/event-stream" : "application/json", status);
        if (!isWell)
        {
            if (chance.OneIn(3))
            {
                Input.Cut(chance.Next(Input.Length + 1));
            }
            else
            {
                _raw.Change(chance, Input);
            }
        }

        Input.Replace(0, 0, [(byte)((int)form | (streams ? Streams : 0) | (chance.OneIn(2) ? Named : 0) | (!isWell && chance.OneIn(4) ? Resets : 0) | (isWell && status == 200 ? Intact : 0)), (byte)chance.Next(256), (byte)chance.Next(256)]);
    }

    public override bool Run()
    {
        var head = Input.Bytes[..Head];
        var (flags, errors, form, streams) = (head[0], _errors.Count, (ClientForm)(head[0] & 3), (head[0] & Streams) != 0);
        _time.Step();
        (_upstream.Bytes, _upstream.Cuts, _upstream.Resets) = (Input.Memory[Head..].ToArray(), head[1] | (head[2] << 8), (flags & Resets) != 0);
        var (status, bytes, named, isCut) = AskAsync(form, streams, (flags & Named) != 0 ? "large" : "auto").GetAwaiter().GetResult();

        Promise(_errors.Count == errors, $"Answered by {status} and logged as an error: {_errors.Last}");
        Promise(status is 200 or 400 or 403 or 404 or 413 or 422 or 429 or 502, $"Answered by {status}: {Encoding.UTF8.GetString(bytes)}");
        var heard = ClientForms.Read(form, streams, status, bytes, named);
        Promise(streams && status == 200 ? heard.IsWhole ^ isCut && heard.IsBroken == isCut : !isCut, $"{(isCut ? "The connection is cut" : "The connection is not cut")}, and the client told {heard}.");
        Promise((flags & Intact) == 0 || heard.IsWhole || (status, heard.IsBroken) is (200, true) or (502, _), "An answer that is whole is not told to be.");
        return heard.IsWhole;
    }

    public override async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _upstream.Dispose();
        await base.DisposeAsync();
    }

    private async Task<(int Status, byte[] Bytes, string? Named, bool IsCut)> AskAsync(ClientForm form, bool streams, string model)
    {
        var (path, body) = ClientForms.Asked(form, streams, model);
        using var content = new ByteArrayContent(body);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var bytes = new MemoryStream();
        var isCut = false;
        try
        {
            await response.Content.CopyToAsync(bytes);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            isCut = true;
        }

        return ((int)response.StatusCode, bytes.ToArray(), response.Headers.TryGetValues("x-router-model", out var names) ? names.Single() : null, isCut);
    }

    private void Frame(Chance chance, string type, int status)
    {
        var encoding = chance.OneIn(4) ? chance.Of<string>(["gzip", "br", "deflate"]) : null;
        if (encoding is not null)
        {
            Input.Set(Compressed(encoding));
        }

        var head = $"HTTP/1.1 {status.ToString(CultureInfo.InvariantCulture)} {(HttpStatusCode)status}\r\nConnection: close\r\nContent-Type: {type}\r\n{(encoding is null ? "" : $"Content-Encoding: {encoding}\r\n")}";
        switch (status == 204 ? 2 : chance.Next(3))
        {
            case 0:
                head += $"Content-Length: {Input.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n";
                break;
            case 1:
                head += "Transfer-Encoding: chunked\r\n\r\n";
                for (var (at, left) = (0, Input.Length); left > 0;)
                {
                    var size = 1 + chance.Next(Math.Min(left, 4000));
                    var begin = Encoding.ASCII.GetBytes($"{size:x}\r\n");
                    Input.Replace(at, 0, begin);
                    Input.Replace(at + begin.Length + size, 0, "\r\n"u8);
                    (at, left) = (at + begin.Length + size + 2, left - size);
                }

                Input.Append("0\r\n\r\n"u8);
                break;
            default:
                head += "\r\n"; // until the connection ends
                break;
        }

        Input.Replace(0, 0, Encoding.ASCII.GetBytes(head));
    }

    private byte[] Compressed(string encoding)
    {
        using var bytes = new MemoryStream();
        using (Stream to = encoding switch { "gzip" => new GZipStream(bytes, CompressionLevel.Fastest), "br" => new BrotliStream(bytes, CompressionLevel.Fastest), _ => new ZLibStream(bytes, CompressionLevel.Fastest) })
        {
            to.Write(Input.Bytes);
        }

        return bytes.ToArray();
    }
}
