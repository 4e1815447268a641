namespace MetaRouter.Hosting.Tests;

/// <summary>A test of minutes: run when METAROUTER_LONG_TESTS=1.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LongFactAttribute : FactAttribute
{
    public LongFactAttribute()
    {
        if (!Enabled)
        {
            Skip = "Takes minutes; set METAROUTER_LONG_TESTS=1.";
        }
    }

    public static bool Enabled => Environment.GetEnvironmentVariable("METAROUTER_LONG_TESTS") == "1";
}
