using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace MetaRouter.Hosting.Settings;

/// <summary>What holds for a program of ours wherever an operator says nothing else.</summary>
internal static class ProgramDefaults
{
    /// <summary>The folder whose settings file is read: the one the program is started in, if it has the file, else the program's own.</summary>
    public static string Folder => File.Exists("appsettings.json") ? Directory.GetCurrentDirectory() : AppContext.BaseDirectory;

    /// <summary>
    /// The arguments of a program that reads its settings at the start and not again. When the file is saved while the program runs, the framework would apply
    /// some of it by itself: it would listen, before
    /// the keys in the same file are read, on an address where a start without keys is refused.
    /// </summary>
    public static string[] WithoutReload(string[] args) => ["--hostBuilder:reloadConfigOnChange=false", .. args];

    /// <summary>Where a page of the documentation is: beside a program that was published or installed as a tool, else where the sources have it.</summary>
    public static string Page(string name) => Path.Combine(AppContext.BaseDirectory, "docs", name) is var beside && File.Exists(beside) ? beside : "docs/" + name;

    /// <summary>Not in appsettings.json, where it would silently outrank ASPNETCORE_URLS.</summary>
    public static void ListenOn(ConfigurationManager configuration, string url)
    {
        if (configuration["Urls"] is null && configuration["http_ports"] is null && configuration["https_ports"] is null && !configuration.GetSection("Kestrel:Endpoints").Exists())
        {
            configuration["Urls"] = url;
        }
    }

    /// <summary>
    /// An operator's settings file replaces the shipped one. Without this default the framework would then log each request in four lines, with its path, and a path may name a user.
    /// </summary>
    public static void LogWarnings(ConfigurationManager configuration)
    {
        const string level = "Logging:LogLevel:Default";
        configuration[level] = configuration[level] is { Length: > 0 } set ? set : nameof(LogLevel.Warning);
    }

    /// <summary>As the settings say: the slim host would set the console's format without reading them.</summary>
    public static void FormatLogs(ILoggingBuilder logging, IConfiguration configuration) =>
        logging.Services.PostConfigure<ConsoleLoggerOptions>(o => o.FormatterName = configuration[SettingsBinder.LogFormat] is { Length: > 0 } set ? set : o.FormatterName);

    /// <summary>A failed start is reported once, by the program; host, server and others would each add a stack trace.</summary>
    /// <param name="others">Further log categories to silence.</param>
    public static void QuietStart(ILoggingBuilder logging, Func<bool> hasStarted, params ReadOnlySpan<string> others)
    {
        foreach (var category in (string[])["Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel", .. others])
        {
            logging.AddFilter(category, level => hasStarted() && level >= LogLevel.Warning);
        }
    }
}
