using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting;

/// <summary>
/// Decisions with their propensities and what users said of them, one JSON object a line, for off-policy evaluation: no text, no user; the tenant by its keyed hash.
/// Written behind; under pressure entries are dropped and counted rather than holding a request up. While the file cannot be written, for instance because another process
/// writes it, it is tried again every second: what is queued is kept, and what the queue cannot take is dropped and counted.
/// </summary>
public sealed partial class DecisionLog : IHostedService, IDisposable
{
    private const int BatchBytes = 1 << 16;
    private const string TimeStart = "{\"time\":\"";
    private static readonly TimeSpan s_retryEvery = TimeSpan.FromSeconds(1);

    private readonly Channel<Entry>? _queue;
    private readonly string _path;
    private readonly RouterMetrics _metrics;
    private readonly ILogger<DecisionLog> _logger;
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _writing = Task.CompletedTask;
    private long _dropped;

    /// <param name="path">Appended to; empty: nothing is logged.</param>
    public DecisionLog(string path, int capacity, RouterMetrics metrics, ILogger<DecisionLog> logger)
    {
        (_path, _metrics, _logger) = (path, metrics, logger);
        _queue = path.Length == 0 ? null : Channel.CreateBounded<Entry>(new BoundedChannelOptions(capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    }

    /// <summary>Decisions dropped since the start.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <param name="served">What became of it; null: that is never known here (a decision without a call).</param>
    /// <param name="isPending">What becomes of it is logged elsewhere, by who asked for it.</param>
    public void Offer(RouteDecision decision, ServedCall? served = null, bool isPending = false)
    {
        ArgumentNullException.ThrowIfNull(decision);
        Offer(new Entry(decision, served, isPending, default, default, null));
    }

    /// <summary>Whether feedback is worth a line: it changed what is known, or speaks of quality alone, which a full window has no room for and off-policy estimates live on.</summary>
    public static bool Notes(AddOutcome? outcome, FeedbackKind kind) =>
        outcome is AddOutcome.Counted or AddOutcome.Replaced or AddOutcome.Withdrawn || (outcome is AddOutcome.BelowFloor && kind.IsOfQualityAlone());

    /// <summary>What a user said of a logged decision: without it the log tells what was tried, not what it was worth. Names the decision by its time and nonce, and no user.</summary>
    public void Offer(in Receipt receipt, Feedback feedback)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        Offer(new Entry(null, null, false, receipt.TenantHash, new SignalKey(receipt.DecisionTimeMs, receipt.Nonce, feedback.Kind), feedback));
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_queue is not null)
        {
            // Not cancelled with the host's token: a host that stops at once would leave what is queued unwritten.
            _writing = Task.Run(() => WriteAsync(_queue.Reader), CancellationToken.None);
        }

        return Task.CompletedTask;
    }

    /// <summary>Accepts nothing more and writes what is queued; if that fails it is dropped and counted.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _queue?.Writer.TryComplete();
        _stopping.TrySetResult();
    }

    /// <summary>The lines of one tenant, from a log that may be in the middle of a write: a torn line is left out.</summary>
    /// <param name="since">Only decisions from then on, and what was said of these; null: all.</param>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/> or <see cref="ArgumentException"/>, at once: the file cannot be read.</exception>
    public static IAsyncEnumerable<string> Read(string path, ulong tenant, DateTimeOffset? since, CancellationToken cancellationToken)
    {
        return ReadAsync(
            new FileStream(path, new FileStreamOptions { Share = FileShare.ReadWrite, Options = FileOptions.Asynchronous | FileOptions.SequentialScan }),
            $"\"tenant\":\"{Tenant(tenant)}\"", since is { } from ? TimeStart + Time(from.ToUnixTimeMilliseconds()) : "", cancellationToken);

        // Every line begins with its decision's time, in UTC and as long as any other, so that their order is that of the texts.
        static async IAsyncEnumerable<string> ReadAsync(FileStream file, string named, string first, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            using var reader = new StreamReader(file);
            while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            {
                if (line.Contains(named, StringComparison.Ordinal) && line[^1] == '}' && string.CompareOrdinal(line, first) >= 0)
                {
                    yield return line;
                }
            }
        }
    }

    /// <summary>The line of a receipt's decision; null: the file has none, or none near the decision's time. Reads a few pieces of a log, however long it is.</summary>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/> or <see cref="ArgumentException"/>: the file cannot be read.</exception>
    public static Task<string?> FindAsync(string path, in Receipt receipt, CancellationToken cancellationToken) => new DecisionLogSearch(
        Time, receipt.DecisionTimeMs, $",\"nonce\":{receipt.Nonce.ToString(CultureInfo.InvariantCulture)},\"tenant\":\"{Tenant(receipt.TenantHash)}\",\"snapshot\":").FindAsync(path, cancellationToken);

    private void Offer(in Entry entry)
    {
        if (_queue?.Writer.TryWrite(entry) == false)
        {
            Drop(1);
        }
    }

    private void Drop(int entries)
    {
        Interlocked.Add(ref _dropped, entries);
        _metrics.DroppedLogEntries.Add(entries);
    }

    private async Task WriteAsync(ChannelReader<Entry> queue)
    {
        // The batch being written: it belongs at `end` of the file, where a failed write may have left a part of it.
        using var batch = new MemoryStream();
        var (entries, end, fails, isAnew) = (0, -1L, false, false);
        while (true)
        {
            try
            {
                await using var file = DecisionLogFile.Open(_path, end, batch.Length);
                while (true)
                {
                    if (entries == 0 && !await queue.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
                    {
                        return;
                    }

                    if (!file.IsInPlace)
                    {
                        end = -1;
                        if (isAnew)
                        {
                            throw new IOException("it was just created anew and has changed or gone since; another program may be writing it");
                        }

                        isAnew = true;
                        break;
                    }

                    while (batch.Length < BatchBytes && queue.TryRead(out var entry))
                    {
                        entries++;
                        batch.Write(entry.Feedback is { } feedback ? Line(entry.About, entry.Tenant, feedback) : Line(entry.Decision!, entry.Served, entry.IsPending));
                        batch.WriteByte((byte)'\n');
                    }

                    end = file.Position;
                    await file.WriteAsync(batch.GetBuffer().AsMemory(0, (int)batch.Length)).ConfigureAwait(false);
                    batch.SetLength(0);
                    (entries, end, isAnew) = (0, file.Position, false);
                    if (fails)
                    {
                        fails = false;
                        LogGoesOn(_path, Dropped);
                    }
                }

                continue;
            }
#pragma warning disable CA1031 // Whatever is wrong with the log, the application goes on.
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (!fails)
                {
                    fails = true;
                    LogFails(_path, e.Message.TrimEnd('.'), e);
                }
            }

            if (_stopping.Task.IsCompleted)
            {
                Drop(entries + queue.Count);
                return;
            }

            await Task.WhenAny(Task.Delay(s_retryEvery), _stopping.Task).ConfigureAwait(false);
        }
    }

    private static byte[] Line(in SignalKey about, ulong tenant, Feedback feedback) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        time = Time(about.DecisionTimeMs),
        nonce = about.Nonce,
        tenant = Tenant(tenant),
        feedback = feedback.Kind.ToString(),
        value = feedback.Value,
        withdrawn = feedback.Withdrawn,
    });

    private static string Tenant(ulong hash) => hash.ToString("x16", CultureInfo.InvariantCulture);

    private static string Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("O", CultureInfo.InvariantCulture);

    private static byte[] Line(RouteDecision decision, ServedCall? served, bool isPending) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        time = Time(decision.Receipt.DecisionTimeMs),
        nonce = decision.Receipt.Nonce,
        tenant = Tenant(decision.Receipt.TenantHash),
        snapshot = decision.SnapshotVersion.ToString("x16", CultureInfo.InvariantCulture),
        chosen = decision.Model.Value,
        offered = decision.Offered?.Value,
        reason = decision.Reason.ToString(),
        lambda = decision.LambdaCost,
        propensity = decision.Propensity,
        mode = served?.Mode ?? (isPending ? "pending" : "decision"),
        apply_share = served?.ApplyShare,
        served = served?.Model?.Value,
        fail_over = served?.IsFailOver,
        cost_usd = served?.CostUsd,
        cost_source = served?.CostSource,
        prompt_tokens = served?.PromptTokens,
        completion_tokens = served?.CompletionTokens,
        latency_s = served?.LatencySeconds,
        candidates = decision.Candidates.Where(c => c.Exclusion == ModelExclusion.None)
            .Select(c => new { model = c.Model.Value, quality = c.Predicted.Quality, cost_usd = c.Predicted.CostUsd, utility = c.Utility, propensity = c.Propensity }),
    });

    /// <summary>A decision with what became of it, or feedback with the decision that it is about.</summary>
    private readonly record struct Entry(RouteDecision? Decision, ServedCall? Served, bool IsPending, ulong Tenant, SignalKey About, Feedback? Feedback);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The decision log {Path} cannot be written: {Reason}. It is tried again every second; what the queue cannot hold until then is dropped and counted.")]
    private partial void LogFails(string path, string reason, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The decision log {Path} is written again; dropped since the start: {Dropped}.")]
    private partial void LogGoesOn(string path, long dropped);
}
