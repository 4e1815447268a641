namespace MetaRouter.RouterContract;

/// <summary>A test that starts redis-server. Skipped, with the reason, where it is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RedisFactAttribute : FactAttribute
{
    public RedisFactAttribute()
    {
        if (!RedisServer.IsInstalled && Environment.GetEnvironmentVariable("CI") != "true") // there it must not pass unseen
        {
            Skip = "redis-server is not installed here.";
        }
    }
}
