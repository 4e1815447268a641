namespace MetaRouter.RouterContract;

/// <summary>A test that starts redis-server. Skipped, with the reason, where it is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RedisFactAttribute : FactAttribute
{
    public RedisFactAttribute() => Skip = WhyNot;

    /// <summary>Why such a test cannot run here; null: it can, or this is CI, where it must not pass unseen.</summary>
    internal static string? WhyNot => RedisServer.IsInstalled || Environment.GetEnvironmentVariable("CI") == "true" ? null : "redis-server is not installed here.";
}
