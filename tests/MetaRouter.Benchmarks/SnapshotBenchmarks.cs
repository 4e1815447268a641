using BenchmarkDotNet.Attributes;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;

namespace MetaRouter.Benchmarks;

/// <summary>What happens once: a snapshot read from its bytes and applied to a catalog.</summary>
[MemoryDiagnoser]
[MedianColumn]
public class SnapshotBenchmarks
{
    private byte[] _bytes = [];

    [Params(8, 64)]
    public int Models { get; set; }

    [GlobalSetup]
    public void Setup() => _bytes = SnapshotCodec.Write(Workload.Snapshot);

    [Benchmark(Description = "read a snapshot")]
    public ulong Read() => SnapshotCodec.Read(_bytes).Version;

    [Benchmark(Description = "apply it to a catalog")]
    public RoutingPool Apply() => Workload.Pool(Models);
}
