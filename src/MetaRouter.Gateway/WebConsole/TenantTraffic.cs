using MetaRouter.Core.Traffic;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>
/// One tenant's traffic over time: tallies of 5 seconds for an hour and of 5 minutes for a day, so that figures do not depend on how many decisions the journal
/// holds. With eight models in use throughout, about 4 MB.
/// </summary>
internal sealed class TenantTraffic(int number, ulong hash)
{
    public const int LongestMinutes = 24 * 60;
    private const int FineSeconds = 5, CoarseSeconds = 300, FineMinutes = 60;

    private readonly Lock _gate = new();
    private readonly Ring _fine = new(FineSeconds, FineMinutes * 60 / FineSeconds), _coarse = new(CoarseSeconds, LongestMinutes * 60 / CoarseSeconds);

    /// <summary>The tenant's number in the journal.</summary>
    public int Number => number;

    /// <summary>The tenant's hash in stores.</summary>
    public ulong Hash => hash;

    /// <param name="timeMs">When the call came.</param>
    public void Add(long timeMs, long nowMs, in TrafficCall call)
    {
        lock (_gate)
        {
            _fine.At(timeMs, nowMs)?.Add(call);
            _coarse.At(timeMs, nowMs)?.Add(call);
        }
    }

    /// <summary>The last minutes in equal buckets, the oldest first; the last one is not over yet.</summary>
    /// <param name="minutes">1 to <see cref="LongestMinutes"/>.</param>
    public (long SinceMs, int BucketSeconds, TrafficTally[] Buckets) Last(int minutes, long nowMs)
    {
        var ring = minutes <= FineMinutes ? _fine : _coarse;
        var seconds = BucketSeconds(minutes);
        var end = (nowMs / (seconds * 1000L) * (seconds * 1000L)) + (seconds * 1000L);
        var start = end - (((minutes * 60) + seconds - 1) / seconds * seconds * 1000L);
        var buckets = new TrafficTally[(end - start) / (seconds * 1000L)];
        lock (_gate)
        {
            for (var i = 0; i < buckets.Length; i++)
            {
                buckets[i] = new TrafficTally();
                for (var t = start + (i * seconds * 1000L); t < start + ((i + 1) * seconds * 1000L); t += ring.Milliseconds)
                {
                    if (ring.Find(t) is { } tally)
                    {
                        buckets[i].Add(tally);
                    }
                }
            }
        }

        return (start, seconds, buckets);
    }

    /// <summary>About sixty buckets, of a length a clock shows.</summary>
    private static int BucketSeconds(int minutes) => minutes switch { <= 5 => 5, <= 10 => 10, <= 15 => 15, <= 30 => 30, <= 60 => 60, <= 360 => 300, <= 720 => 600, _ => 1200 };

    private sealed class Ring(int seconds, int length)
    {
        private readonly (long Start, TrafficTally? Tally)[] _slots = new (long, TrafficTally?)[length + 1];

        public long Milliseconds => seconds * 1000L;

        /// <summary>Null: so long ago that a later time has its place, or in the future, as when the clock was set back.</summary>
        public TrafficTally? At(long timeMs, long nowMs)
        {
            var start = timeMs / Milliseconds;
            ref var slot = ref _slots[start % _slots.Length];
            if (slot.Tally is null || slot.Start < start || (slot.Start > start && slot.Start * Milliseconds > nowMs))
            {
                slot = (start, new TrafficTally());
            }

            return slot.Start == start ? slot.Tally : null;
        }

        public TrafficTally? Find(long timeMs)
        {
            var start = timeMs / Milliseconds;
            return _slots[start % _slots.Length] is { Tally: { } tally } slot && slot.Start == start ? tally : null;
        }
    }
}
