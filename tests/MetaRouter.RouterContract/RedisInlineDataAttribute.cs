using System.Reflection;
using Xunit.Sdk;

namespace MetaRouter.RouterContract;

/// <summary>The case of a theory that starts redis-server: skipped, with the reason, where it is not installed, while the others run.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class RedisInlineDataAttribute : DataAttribute
{
    private readonly object[] _data;

    public RedisInlineDataAttribute(params object[] data) => (_data, Skip) = (data, RedisFactAttribute.WhyNot);

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [_data];
}
