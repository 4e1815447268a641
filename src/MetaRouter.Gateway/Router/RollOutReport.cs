using System.Text.Json;
using MetaRouter.Core.Traffic;

namespace MetaRouter.Gateway.Router;

/// <summary>
/// What routing did to costs and to what users say, while it was followed for a share of them (<c>Gateway:ApplyShare</c>) and the others were answered as before: who is on
/// which side is drawn by lot, so that the two differ by nothing else. Only the share in force counts, and requests that were drawn at it.
/// </summary>
/// <param name="ThumbsUpChange">The followed side's share of thumbs up less the other's.</param>
internal sealed record RollOutReport(double ApplyShare, RollOutSide Followed, RollOutSide Noted, Estimate? ThumbsUpChange, string Method)
{
    private const string How =
        "requests of the last Gateway:ApplyShare that was in force, users drawn by lot; 95 % intervals: of thumbs up Wilson's, of their difference Newcombe's, of the cost a normal one; "
            + "each thumb and request counts as if it were another user's, so where few users give many they are too narrow";

    /// <summary>Reads the log's lines in their order.</summary>
    internal sealed class Reader
    {
        private readonly Dictionary<(DateTimeOffset Time, long Nonce), bool> _isFollowed = [];
        private readonly Dictionary<(DateTimeOffset Time, long Nonce), bool?> _thumbs = [];
        private readonly List<double> _followedUsd = [], _notedUsd = [];
        private double? _share;

        /// <exception cref="Exception">Of <see cref="JsonElement"/>: not a line of the log.</exception>
        public void Add(JsonElement line)
        {
            if (line.TryGetProperty("feedback", out var kind))
            {
                if (kind.GetString() == "Thumb")
                {
                    _thumbs[Key(line)] = line.GetProperty("withdrawn").GetBoolean() ? null : line.GetProperty("value").GetInt32() == 1;
                }
            }
            else if (line.TryGetProperty("apply_share", out var drawn) && drawn.ValueKind == JsonValueKind.Number && line.GetProperty("served").ValueKind == JsonValueKind.String)
            {
                var (share, isFollowed, usd) = (drawn.GetDouble(), line.GetProperty("mode").GetString() == "apply", line.GetProperty("cost_usd").GetDouble());
                if (share != _share)
                {
                    // Who crossed over would else be counted on both sides, at different times.
                    _isFollowed.Clear();
                    _followedUsd.Clear();
                    _notedUsd.Clear();
                    _share = share;
                }

                _isFollowed[Key(line)] = isFollowed;
                (isFollowed ? _followedUsd : _notedUsd).Add(usd);
            }
        }

        /// <summary>Null: no request was drawn.</summary>
        public RollOutReport? Report()
        {
            if (_share is not { } share)
            {
                return null;
            }

            var (followed, noted) = (Side(true, _followedUsd), Side(false, _notedUsd));
            return new(share, followed, noted, ShareInterval.Difference(followed.ThumbsUp, noted.ThumbsUp), How);
        }

        private static (DateTimeOffset, long) Key(JsonElement line) => (line.GetProperty("time").GetDateTimeOffset(), line.GetProperty("nonce").GetInt64());

        private RollOutSide Side(bool isFollowed, List<double> usd)
        {
            var said = _thumbs.Where(t => t.Value is not null && _isFollowed.TryGetValue(t.Key, out var side) && side == isFollowed).Select(t => t.Value!.Value).ToList();
            return new(usd.Count, usd.Sum(), ShareInterval.Mean(usd), said.Count, ShareInterval.Of(said.Count(up => up), said.Count));
        }
    }
}

/// <summary>One side of a roll-out.</summary>
/// <param name="Requests">Answered, by whichever model.</param>
/// <param name="UsdPerRequest">Null, as what follows: there are none.</param>
/// <param name="Thumbs">Requests whose answer has a thumb, the last one given.</param>
/// <param name="ThumbsUp">The share of these that are up.</param>
internal sealed record RollOutSide(int Requests, double SpentUsd, Estimate? UsdPerRequest, int Thumbs, Estimate? ThumbsUp);
