using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace MetaRouter.Hosting.Settings;

/// <summary>What holds for a program of ours wherever an operator says nothing else.</summary>
internal static class ProgramDefaults
{
    /// <summary>Whose settings file is read: the folder's that the program is started in, else the one beside the program.</summary>
    public static string Folder => File.Exists("appsettings.json") ? Directory.GetCurrentDirectory() : AppContext.BaseDirectory;

    /// <summary>
    /// The arguments of a program that reads its settings at the start and not again. Of a file that is saved while it runs the framework takes up a part by itself: it would listen, before
    /// the keys beside it are known, where no start without keys may.
    /// </summary>
    public static string[] ReadOnce(string[] args) => ["--hostBuilder:reloadConfigOnChange=false", .. args];

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
    /// An operator's settings file takes the place of the shipped one. Without this the framework would log each request in four lines, with its path, and a path may have a user.
    /// </summary>
    public static void LogWarnings(ConfigurationManager configuration)
    {
        const string level = "Logging:LogLevel:Default";
        configuration[level] = configuration[level] is { Length: > 0 } set ? set : nameof(LogLevel.Warning);
    }

    /// <summary>As the settings say: the slim host takes its console's form without asking them.</summary>
    public static void FormatLogs(ILoggingBuilder logging, IConfiguration configuration) =>
        logging.Services.PostConfigure<ConsoleLoggerOptions>(o => o.FormatterName = configuration[SettingsBinder.LogFormat] is { Length: > 0 } set ? set : o.FormatterName);

    /// <summary>A start that fails is told once, by the program; host and server, and who else logs it, would each add a stack trace.</summary>
    /// <param name="others">Their categories.</param>
    public static void QuietStart(ILoggingBuilder logging, Func<bool> hasStarted, params ReadOnlySpan<string> others)
    {
        foreach (var category in (string[])["Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel", .. others])
        {
            logging.AddFilter(category, level => hasStarted() && level >= LogLevel.Warning);
        }
    }
}
