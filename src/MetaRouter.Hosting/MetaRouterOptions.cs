using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting;

/// <summary>How a router runs, in one process or on the silos of a cluster: section <c>MetaRouter</c> of the configuration.</summary>
public sealed class MetaRouterOptions
{
    public const string Section = "MetaRouter";

    /// <value>
    /// <c>sqlite:PATH</c> (durable, one process), <c>redis:HOST:PORT[,HOST:PORT…][,password=…][,ssl=true][,ca=FILE]</c> (any number of processes; <see cref="RedisAddress"/> tells
    /// all options) or <c>memory</c> (gone with the process). Default <c>sqlite:metarouter.db</c>.
    /// </value>
    public string Store { get; set; } = "sqlite:metarouter.db";

    /// <value>
    /// At the start, a SQLite file that is torn is moved aside, whole, and a new one begun: routing goes on without what was learned. Default false: the start is refused,
    /// and a person decides.
    /// </value>
    public bool SetTornStoreAside { get; set; }

    /// <value>The folder that a SQLite store is copied into when an operator asks for a backup; made if it is not there. Empty, the default: none is made.</value>
    public string BackupFolder { get; set; } = "";

    /// <value>Before every key in Redis, so that several routers can share one; default <c>metarouter:</c>. No braces.</value>
    public string RedisPrefix { get; set; } = "metarouter:";

    /// <value>A snapshot file written by <c>metarouter train</c>; empty: the one that ships.</value>
    public string Snapshot { get; set; } = "";

    /// <value>The models to route among, with prices. Empty: every model of the snapshot.</value>
    public IList<ModelOptions> Models { get; } = [];

    /// <value>Users kept in memory at most; the others are read from the store when they come back. One takes about a kilobyte. 1,000 to 100,000,000, default 200,000.</value>
    public int UsersInMemory { get; set; } = 200_000;

    /// <value>Seconds between refreshes of the prior from what users taught; 1 to 86,400, default 60; 0: never.</value>
    public double RefreshSeconds { get; set; } = 60;

    /// <value>Users whose evidence a refresh uses at most, the latest changed; 100 to 10,000,000, default 100,000.</value>
    public int RefreshUsers { get; set; } = 100_000;

    /// <value>Tenants whose users teach nothing about others; default none.</value>
    public IList<string> PrivateTenants { get; } = [];

    /// <value>Share of the belief's expected regret that exploring may cost, 0 (never explore) to 1; default 0.1.</value>
    public double ExplorationShare { get; set; } = 0.1;

    /// <value>
    /// For users who give feedback on single answers and are never shown two: the number of later requests within which what feedback teaches has to pay off,
    /// times the chance of feedback on an answer.
    /// Early answers then cost more, and every decision draws the user's belief anew: tens of microseconds, or milliseconds for a user who minds waiting and
    /// speaks of many topics. Default 0, off; 300 suits feedback on three answers in ten; 0 to 100,000.
    /// </value>
    public double LearningHorizon { get; set; }

    /// <value>How long feedback on a decision is accepted, in hours; 1 to 720, default 168 (7 days).</value>
    public double ReceiptHours { get; set; } = 168;

    /// <value>The most a request may be predicted to cost, US dollars; null: no limit.</value>
    public double? MaxCostUsd { get; set; }

    /// <value>NDJSON file that decisions with their propensities are appended to, without text or identity, by this process alone; empty, the default: none.</value>
    public string DecisionLog { get; set; } = "";

    /// <value>Decisions waiting to be logged at most; beyond it they are dropped and counted. 100 to 1,000,000, default 10,000.</value>
    public int DecisionLogQueue { get; set; } = 10_000;

    /// <value>Settings of a cluster (Redis, ClusterId, ServiceId, …), which builds for a cluster read themselves.</value>
    public IDictionary<string, string> Cluster { get; } = new Dictionary<string, string>();

    /// <summary>Every problem of these options, empty when there is none.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        if (!StoreAddress.TryParse(Store, out var store))
        {
            problems.Add(Store?.StartsWith("cluster:", StringComparison.Ordinal) == true
                ? $"Store is '{RedisAddress.Shown(Store)}', and this build is not one for a cluster; build it with -p:UseOrleans=true"
                : $"Store is '{RedisAddress.Shown(Store ?? "")}'; use sqlite:PATH, redis:HOST:PORT, memory, or in a build for a cluster cluster:HOST:PORT");
        }
        else if (store.Kind == StoreKind.Redis && RedisAddress.ProblemOf(store.Place) is { } problem)
        {
            problems.Add($"{nameof(Store)} '{RedisAddress.Shown(Store)}': {problem}");
        }

        if (RedisPrefix is null || RedisPrefix.AsSpan().ContainsAny('{', '}'))
        {
            problems.Add($"{nameof(RedisPrefix)} is '{RedisPrefix}'; a brace would move every key to one node of a cluster, leave braces out");
        }

        Range(nameof(UsersInMemory), UsersInMemory, 1000, 100_000_000);
        if (RefreshSeconds is not (0 or >= 1 and <= 86_400))
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{nameof(RefreshSeconds)} is {RefreshSeconds}; it must be 0 (never), or from 1 to 86400"));
        }

        Range(nameof(RefreshUsers), RefreshUsers, 100, 10_000_000);
        Range(nameof(ExplorationShare), ExplorationShare, 0, 1);
        Range(nameof(LearningHorizon), LearningHorizon, 0, 100_000);
        Range(nameof(ReceiptHours), ReceiptHours, 1, 720);
        Range(nameof(DecisionLogQueue), DecisionLogQueue, 100, 1_000_000);
        if (MaxCostUsd is { } limit && !(limit >= 0 && double.IsFinite(limit)))
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{nameof(MaxCostUsd)} is {limit}; it must be 0 or more, or left out"));
        }

        if (Snapshot?.Length > 0 && !File.Exists(Snapshot))
        {
            problems.Add($"Snapshot '{Snapshot}' does not exist; train one with 'metarouter train', or leave it empty for the one that ships");
        }

        if (Directory.Exists(DecisionLog))
        {
            problems.Add($"{nameof(DecisionLog)} '{DecisionLog}' is a folder; name a file");
        }

        if (File.Exists(BackupFolder))
        {
            problems.Add($"{nameof(BackupFolder)} '{BackupFolder}' is a file; name a folder");
        }

        var profiles = Profiles(problems);
        if (profiles.Length > 0)
        {
            try
            {
                _ = new ModelCatalog(profiles);
            }
            catch (ArgumentException e)
            {
                problems.Add(OneLine(e));
            }

            if (profiles.Length == Models.Count && !profiles.Any(p => p.Enabled))
            {
                problems.Add($"{nameof(Models)} has {profiles.Length} and none is enabled; enable one, or leave the list empty for those of the snapshot");
            }
        }

        return problems;

        void Range(string name, double value, double low, double high) => SettingsBinder.Range(problems, name, value, low, high);
    }

    /// <summary>The configured models.</summary>
    /// <exception cref="ArgumentException">They are not a valid catalog; the message names every problem.</exception>
    public ModelCatalog Catalog()
    {
        var problems = new List<string>();
        var profiles = Profiles(problems);
        return problems.Count == 0 ? new ModelCatalog(profiles) : throw new ArgumentException(string.Join("; ", problems) + ".");
    }

    /// <summary>The snapshot of these options.</summary>
    /// <exception cref="SnapshotFormatException">The file is not a snapshot; the message names it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not read it.</exception>
    internal Core.MetaLearning.Snapshot ReadSnapshot()
    {
        if (string.IsNullOrEmpty(Snapshot))
        {
            return Core.MetaLearning.Snapshot.Default;
        }

        try
        {
            return SnapshotCodec.Read(File.ReadAllBytes(Snapshot));
        }
        catch (SnapshotFormatException e)
        {
            throw new SnapshotFormatException($"{nameof(Snapshot)} '{Snapshot}': {e.Message}", e);
        }
    }

    /// <summary>The snapshot of these options applied to their models.</summary>
    /// <exception cref="SnapshotFormatException">The snapshot file cannot be read.</exception>
    public RoutingPool BuildPool()
    {
        var snapshot = ReadSnapshot();
        return new RoutingPool(snapshot, Models.Count == 0 ? new ModelCatalog(snapshot.Models) : Catalog());
    }

    /// <summary>The rules these options set.</summary>
    public RoutingPolicy BuildPolicy(RouterSecrets secrets)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        return new RoutingPolicy(
            new ReceiptSealer(secrets.ReceiptKeys, new ReceiptOptions { Lifetime = TimeSpan.FromHours(ReceiptHours) }),
            new Guardrails(new GuardrailOptions { MaxCostUsd = MaxCostUsd }),
            new ExplorationPolicy(new ExplorationOptions { Rho = ExplorationShare, Enabled = ExplorationShare > 0, Horizon = LearningHorizon }));
    }

    private ModelProfile[] Profiles(List<string> problems) => [.. Models.Select((model, i) => model.ToProfile($"{nameof(Models)}[{i}]", problems)).OfType<ModelProfile>()];

    /// <summary>Without the parameter's name, which means nothing to whoever wrote the configuration.</summary>
    private static string OneLine(ArgumentException e) =>
        (e.ParamName is null ? e.Message : e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal)).ReplaceLineEndings(" ").TrimEnd('.');

    /// <summary>One model in the configuration.</summary>
    public sealed class ModelOptions
    {
        /// <summary>How configuration and API spell the capabilities.</summary>
        public static IReadOnlyDictionary<string, ModelCapabilities> CapabilityNames { get; } = new Dictionary<string, ModelCapabilities>
        {
            ["tools"] = ModelCapabilities.Tools,
            ["vision"] = ModelCapabilities.Vision,
            ["structured_output"] = ModelCapabilities.StructuredOutput,
            ["streaming"] = ModelCapabilities.Streaming,
            ["none"] = ModelCapabilities.None,
        };

        /// <summary>The names of these capabilities; where there are none, the name for that.</summary>
        internal static string[] NamesOf(ModelCapabilities capabilities) =>
            capabilities == ModelCapabilities.None ? ["none"] : [.. CapabilityNames.Where(c => c.Value != 0 && capabilities.HasFlag(c.Value)).Select(c => c.Key)];

        public string Id { get; set; } = "";

        /// <value>US dollars per million prompt tokens; required: an unknown price is not 0.</value>
        public double? InputPrice { get; set; }

        /// <value>US dollars per million completion tokens; required.</value>
        public double? OutputPrice { get; set; }

        /// <value>US dollars per million prompt tokens read from the upstream's prompt cache; null: as <see cref="InputPrice"/>.</value>
        public double? CachedInputPrice { get; set; }

        /// <value>US dollars per million prompt tokens written to the upstream's prompt cache; null: as <see cref="InputPrice"/>.</value>
        public double? CacheWritePrice { get; set; }

        /// <value>How many times as long as predicted its answers are, in tokens; 0.01 to 100, default 1. The gateway's log says where it should be another.</value>
        public double OutputScale { get; set; } = 1;

        /// <value>Seconds that a whole answer takes, from 0 to 1,000,000; null: as the snapshot predicts, and the one that ships was told of none.</value>
        public double? LatencySeconds { get; set; }

        /// <value>What it can take part in: any of <c>tools</c>, <c>vision</c>, <c>structured_output</c>, <c>streaming</c>, or <c>none</c>. Empty: all.</value>
        public IList<string> Capabilities { get; } = [];

        /// <value>Tokens of prompt and answer together, 1 or more; default 128,000.</value>
        public int ContextWindow { get; set; } = 128_000;

        /// <value>Further names that clients ask for it by; empty: none. Each stands for one model.</value>
        public IList<string> Aliases { get; } = [];

        /// <value>A model the snapshot knows that this one resembles; empty: none.</value>
        public string Sibling { get; set; } = "";

        /// <value>Default true.</value>
        public bool Enabled { get; set; } = true;

        /// <summary>Null when it is not a valid model; every reason is added to <paramref name="problems"/>.</summary>
        /// <param name="isJson">Problems name the fields of <see cref="CatalogJson"/> instead of the settings.</param>
        internal ModelProfile? ToProfile(string at, List<string> problems, bool isJson = false)
        {
            var before = problems.Count;
            var id = Try(() => new ModelId(Id ?? ""));
            var sibling = string.IsNullOrEmpty(Sibling) ? null : Try(() => new ModelId(Sibling));
            var input = Price(InputPrice, isJson ? "input_price_usd_per_million" : nameof(InputPrice));
            var output = Price(OutputPrice, isJson ? "output_price_usd_per_million" : nameof(OutputPrice));
            var cached = CachedInputPrice is null ? null : Price(CachedInputPrice, isJson ? "cached_input_price_usd_per_million" : nameof(CachedInputPrice));
            var write = CacheWritePrice is null ? null : Price(CacheWritePrice, isJson ? "cache_write_price_usd_per_million" : nameof(CacheWritePrice));
            var capabilities = ModelCapabilities.None;
            foreach (var name in Capabilities)
            {
                if (CapabilityNames.TryGetValue(name ?? "", out var one)) // JSON may list a null
                {
                    capabilities |= one;
                }
                else
                {
                    problems.Add($"{at}: model '{Id}' has the capability '{name}', which does not exist; list any of {string.Join(", ", CapabilityNames.Keys)}, or leave the list out for all");
                }
            }

            var aliases = Aliases.Select(a => Try(() => new ModelId(a ?? ""))).OfType<ModelId>().ToArray();
            return problems.Count > before ? null : new ModelProfile(id!.Value, input!.Value, output!.Value)
            {
                CachedInputPrice = cached,
                CacheWritePrice = write,
                OutputScale = OutputScale,
                LatencySeconds = LatencySeconds,
                Aliases = aliases,
                Capabilities = Capabilities.Count == 0 ? ModelCapabilities.All : capabilities,
                ContextWindow = ContextWindow,
                Sibling = sibling,
                Enabled = Enabled,
            };

            PricePerMillionTokens? Price(double? usd, string name)
            {
                if (usd is >= 0 and <= PricePerMillionTokens.MostUsd)
                {
                    return new PricePerMillionTokens(usd.Value);
                }

                problems.Add(usd is null
                    ? $"{at}: model '{Id}' has no {name}; give its list price in US dollars per million tokens (0 if it is free)"
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{at}: model '{Id}' has {name} {usd}; a price is finite and 0 or more US dollars per million tokens, {PricePerMillionTokens.MostUsd:n0} at most"));
                return null;
            }

            T? Try<T>(Func<T> make)
                where T : struct
            {
                try
                {
                    return make();
                }
                catch (ArgumentException e)
                {
                    problems.Add($"{at}: {OneLine(e)}");
                    return null;
                }
            }
        }
    }
}
