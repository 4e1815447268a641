namespace MetaRouter.Gateway.Tests;

/// <summary>A test in a browser, Chromium, driven by a script of the folder npm. Skipped, with the reason, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = new NodeFactAttribute().Skip ?? (Chromium is null ? "chromium is not installed here, and CHROMIUM names none." : null);

    /// <summary>The program: what CHROMIUM names, else the first of that name on the path.</summary>
    public static string? Chromium { get; } = Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named ? named
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "chromium")).FirstOrDefault(File.Exists);
}
