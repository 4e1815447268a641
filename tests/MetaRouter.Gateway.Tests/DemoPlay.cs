using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Demo;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

/// <summary>The demo without its clock: minutes of it in seconds, with the same users, requests and rounds of learning.</summary>
internal sealed class DemoPlay
{
    private const int RequestsASecond = 20, SecondsARound = 15;

    private readonly DemoTraffic _traffic;
    private readonly IServiceProvider _services;
    private int _asked;

    private DemoPlay(RunningGateway gateway)
    {
        (Gateway, _services) = (gateway, gateway.App.Services);
        _traffic = _services.GetRequiredService<DemoTraffic>();
    }

    public RunningGateway Gateway { get; }

    public PreferenceBelief Newcomer => _services.GetRequiredService<PoolHolder>().Newcomer.Belief;

    /// <summary>Of everything so far.</summary>
    public Figures Spent => Since(0);

    public static async Task<DemoPlay> StartAsync(int seed)
    {
        // Its own clock asks once in a quarter of an hour, and its own rounds never come.
        var gateway = await RunningGateway.StartAsync("--demo", "--Demo:Seed", $"{seed}", "--MetaRouter:Store", "memory", "--MetaRouter:ExplorationShare", "0.1", "--MetaRouter:RefreshSeconds", "0", "--Demo:RequestsPerSecond", "0.001");
        var play = new DemoPlay(gateway);
        while (play._traffic.Users.Count == 0)
        {
            await Task.Delay(10);
        }

        return play;
    }

    public async Task RunAsync(int minutes)
    {
        for (var i = 0; i < minutes * 60 * RequestsASecond; i++)
        {
            await _traffic.AskAsync(CancellationToken.None);
            Gateway.Time.Ahead += TimeSpan.FromSeconds(1.0 / RequestsASecond);
            if (++_asked % (SecondsARound * RequestsASecond) == 0)
            {
                await _services.GetRequiredService<ILearning>().RefreshAsync(CancellationToken.None);
            }
        }
    }

    /// <summary>From the 5 % to the 95 % quantile of a belief, in decades of lambda.</summary>
    public static double Width(PreferenceBelief belief) => Math.Log10(belief.Quantile(0.95) / belief.Quantile(0.05));

    /// <summary>The mean over the users.</summary>
    public async Task<double> WidthAsync()
    {
        var sum = 0.0;
        foreach (var user in _traffic.Users)
        {
            sum += Width((await _services.GetRequiredService<IEdgeRouter>().GetUserAsync(Caller.OpenTenant, user.Id, CancellationToken.None)).Belief);
        }

        return sum / _traffic.Users.Count;
    }

    /// <summary>By what was predicted, which the simulated answers follow; costs as spent.</summary>
    public Figures Since(int minute)
    {
        var (recorder, secrets) = (_services.GetRequiredService<ConsoleRecorder>(), _services.GetRequiredService<RouterSecrets>());
        var users = _traffic.Users.ToDictionary(u => secrets.HashOf(Caller.OpenTenant, u.Id), u => u.Preference);
        var figures = new Figures();
        foreach (var entry in recorder.Journal.NewestFirst().Take(_asked - (minute * 60 * RequestsASecond)))
        {
            var served = entry.Candidates.ToArray().Single(c => c.Model == entry.Record.Served);
            figures.Add(users[entry.Record.User], served.Predicted, recorder.ModelNumbers[served.Model], entry.Record.CostUsd, [.. entry.Candidates.ToArray().Select(c => c.Predicted)], entry.Record.CostScaleUsd);
        }

        return figures;
    }

    public sealed class Figures
    {
        private readonly Dictionary<string, int> _models = [];
        private (double Quality, double Cost, double Worth)[] _singles = [];
        private (int Count, double Quality, double Cost) _demanding, _thrifty;
        private double _quality, _cost, _worth, _spent;
        private int _count;

        public IReadOnlyDictionary<string, double> Models => _models.ToDictionary(m => m.Key, m => (double)m.Value / _count);

        public double Quality => _quality / _count;

        /// <summary>US dollars a request, second answers left out.</summary>
        public double Cost => _cost / _count;

        /// <summary>What the users think of it: mean utility, each at the user's own hidden trade-off.</summary>
        public double Worth => _worth / _count;

        public IEnumerable<(double Quality, double Cost, double Worth)> Singles => _singles.Select(s => (s.Quality / _count, s.Cost / _count, s.Worth / _count));

        public (double Quality, double Cost) Demanding => (_demanding.Quality / _demanding.Count, _demanding.Cost / _demanding.Count);

        public (double Quality, double Cost) Thrifty => (_thrifty.Quality / _thrifty.Count, _thrifty.Cost / _thrifty.Count);

        /// <summary>Against always asking the dearest, second answers paid.</summary>
        public double SavedShare => 1 - (_spent / _singles.Max(s => s.Cost));

        /// <summary>The best quality that single models, or a coin between two of them, have at what the traffic cost.</summary>
        public double SingleModelLine => (from a in Singles from b in Singles where a.Cost <= Cost select b.Cost > Cost ? a.Quality + ((b.Quality - a.Quality) * (Cost - a.Cost) / (b.Cost - a.Cost)) : a.Quality).Max();

        public void Add(HiddenPreference user, Outcome served, string model, double spentUsd, Outcome[] all, double costScaleUsd)
        {
            _singles = _singles.Length == 0 ? new (double, double, double)[all.Length] : _singles;
            for (var k = 0; k < all.Length; k++)
            {
                _singles[k] = (_singles[k].Quality + all[k].Quality, _singles[k].Cost + all[k].CostUsd, _singles[k].Worth + user.Worth(all[k], costScaleUsd));
            }

            _models[model] = _models.GetValueOrDefault(model) + 1;
            (_count, _quality, _cost, _worth, _spent) = (_count + 1, _quality + served.Quality, _cost + served.CostUsd, _worth + user.Worth(served, costScaleUsd), _spent + spentUsd);
            if (user.LambdaCost < 0.1)
            {
                _demanding = (_demanding.Count + 1, _demanding.Quality + served.Quality, _demanding.Cost + served.CostUsd);
            }
            else if (user.LambdaCost > 1)
            {
                _thrifty = (_thrifty.Count + 1, _thrifty.Quality + served.Quality, _thrifty.Cost + served.CostUsd);
            }
        }

        public override string ToString() => FormattableString.Invariant($"{_count}: quality {Quality:F4} line {SingleModelLine:F4} cost {Cost * 1e6:F0} saved {SavedShare:F3} worth {Worth:F4} best single {Singles.Max(s => s.Worth):F4}; demanding {Demanding}, thrifty {Thrifty}; {string.Join(", ", Models.OrderByDescending(m => m.Value).Select(m => FormattableString.Invariant($"{m.Key} {m.Value:P0}")))}");
    }
}
