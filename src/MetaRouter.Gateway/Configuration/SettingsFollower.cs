using System.Security.Cryptography;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;

namespace MetaRouter.Gateway.Configuration;

/// <summary>
/// Takes the API keys and the tenants' rules over from the settings file while the gateway runs: a key that leaked is withdrawn without a restart. Both are checked as at
/// a start, together with everything else that is in force; what cannot be used is told and changes nothing.
/// </summary>
/// <remarks>
/// The file is read every second, and followed once two looks agree, so that one that is being written is let be. Its time is not asked for: where a file is a link to
/// another, as in a Kubernetes volume, it does not change with what is read. The framework's own reload stays off, see <see cref="ProgramDefaults.WithoutReload"/>.
/// </remarks>
/// <param name="sources">Where the settings came from, in their order.</param>
/// <param name="running">The settings in force; of the two sections, those of the start.</param>
internal sealed partial class SettingsFollower(
    IReadOnlyList<IConfigurationSource> sources, IConfiguration running, GatewaySettings settings, ApiKeyRing keys, Tenants tenants, ILogger<SettingsFollower> logger) : BackgroundService
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> _private = [.. settings.Tenants.Where(t => !t.SharesLearning).Select(t => t.Name)];
    private HashSet<string> _warned = [.. settings.Warnings];
    private Dictionary<string, string?> _known = Flat(running);
    private IReadOnlyList<ApiKeyOptions> _keys = settings.ApiKeys;
    private string _seen = "", _followed = "";

    /// <summary>Settings by their path, as the sources have them now.</summary>
    /// <exception cref="Exception">A file cannot be read, or is no JSON.</exception>
    public static IConfigurationRoot ReadAnew(IEnumerable<IConfigurationSource> sources)
    {
        var builder = new ConfigurationBuilder();
        foreach (var source in sources)
        {
            builder.Add(source);
        }

        return builder.Build();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // What was saved between the start's reading and this is not missed: the settings in force are what the first look is compared with.
        await Periodically.DoAsync(s_period, LookAsync, stoppingToken).ConfigureAwait(false);
    }

    private static bool IsFollowed(string path) => IsOf(path, ApiKeyOptions.Section) || IsOf(path, TenantOptions.Section);

    private static bool IsOf(string path, string section) =>
        path.StartsWith(section, StringComparison.OrdinalIgnoreCase) && (path.Length == section.Length || path[section.Length] == ConfigurationPath.KeyDelimiter[0]);

    private static Dictionary<string, string?> Flat(IConfiguration configuration) =>
        configuration.AsEnumerable().Where(p => p.Value is not null).ToDictionary(p => p.Key, p => p.Value, StringComparer.OrdinalIgnoreCase);

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var seen = await FingerprintAsync(cancellationToken).ConfigureAwait(false);
        var isStill = seen == _seen;
        _seen = seen;
        if (isStill && seen != _followed)
        {
            _followed = seen;
            Follow();
        }
    }

    private void Follow()
    {
        try
        {
            var anew = Flat(ReadAnew(sources));
            var changed = anew.Where(p => !_known.TryGetValue(p.Key, out var before) || before != p.Value).Select(p => p.Key).Concat(_known.Keys.Where(k => !anew.ContainsKey(k))).ToList();
            if (!changed.Any(IsFollowed))
            {
                return;
            }

            var merged = SettingsBinder.Copy(running, p => !IsFollowed(p.Key));
            merged.AddInMemoryCollection(anew.Where(p => IsFollowed(p.Key)));
            var read = SettingsReader.Read(merged);
            if (Problem(read) is { } problem)
            {
                LogRefused(problem);
                return;
            }

            var (before, after) = (_keys.Select(Hash).ToHashSet(), read.ApiKeys.Select(Hash).ToHashSet());
            keys.Replace(read.ApiKeys);
            tenants.Replace(read.Tenants);
            (_keys, _known) = (read.ApiKeys, anew);
            LogFollowed(after.Count, after.Except(before).Count(), before.Except(after).Count(), read.Tenants.Count);
            foreach (var warning in read.Warnings.Where(w => !_warned.Contains(w)))
            {
                LogDoubt(warning);
            }

            _warned = [.. read.Warnings];
        }
        catch (GatewayConfigurationException e)
        {
            LogRefused(string.Join("; ", e.Problems));
        }
#pragma warning disable CA1031 // Whatever is wrong with the file, the gateway goes on with what it has.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogRefused(Said(e));
        }
    }

    /// <summary>What a start may set and a change may not; null: nothing.</summary>
    private string? Problem(GatewaySettings read) =>
        _keys.Count > 0 && read.ApiKeys.Count == 0
            ? $"section {ApiKeyOptions.Section} is empty, which would let in everybody who reaches this machine; restart the gateway if that is meant"
            : read.Tenants.FirstOrDefault(t => !t.SharesLearning && !_private.Contains(t.Name)) is { } alone
                ? $"{TenantOptions.Section} sets {nameof(TenantOptions.SharesLearning)} of '{alone.Name}' to false, which a restart can do and a change while the gateway runs cannot"
                : null;

    /// <summary>What is wrong with a file stands within what was done with it.</summary>
    private static string Said(Exception e) => e.Message.TrimEnd('.') + (e.InnerException is { } inner ? $": {Said(inner)}" : "");

    private static string Hash(ApiKeyOptions key) => key.Sha256.ToUpperInvariant();

    /// <summary>Of the contents of all settings files.</summary>
    private async Task<string> FingerprintAsync(CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in sources.OfType<FileConfigurationSource>().Select(s => s.Path is { } name ? s.FileProvider?.GetFileInfo(name) : null).Where(f => f is { Exists: true, PhysicalPath: not null }))
        {
            try
            {
                hash.AppendData(await File.ReadAllBytesAsync(path!.PhysicalPath!, cancellationToken).ConfigureAwait(false));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                hash.AppendData("unreadable"u8); // told once, by the reading of it
            }

            hash.AppendData([0]);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The settings file was changed: {Keys} API keys are in force, {Added} of them new, {Withdrawn} withdrawn, and the rules of {Tenants} tenants. Other sections are read at a restart.")]
    private partial void LogFollowed(int keys, int added, int withdrawn, int tenants);

    [LoggerMessage(Level = LogLevel.Error, Message = "The settings file was changed and cannot be followed; the API keys and tenants in force stay: {Problems}.")]
    private partial void LogRefused(string problems);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Doubt}.")]
    private partial void LogDoubt(string doubt);
}
