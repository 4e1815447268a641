using BenchmarkDotNet.Attributes;
using MetaRouter.Core.Text;

namespace MetaRouter.Benchmarks;

/// <summary>What each family of n-grams costs: the shipped encoder with the others' weights at zero, so that only their rows are skipped.</summary>
[MemoryDiagnoser]
[MedianColumn]
public class EncoderBenchmarks
{
    private const int Different = 512;
    private readonly RequestEncoding _scratch = new();
    private PromptEncoder _encoder = null!;
    private string[] _requests = [];
    private int _next;

    [Params(NgramFamilies.None, NgramFamilies.Words, NgramFamilies.Characters, NgramFamilies.All)]
    public NgramFamilies Families { get; set; }

    [GlobalSetup]
    public void Setup() => (_encoder, _requests) = (Workload.Snapshot.Encoder.Only(Families), Workload.Requests(200, Different));

    [Benchmark(Description = "encode 200 tokens")]
    public float Encode()
    {
        _encoder.Encode(_requests[_next++ % Different], _scratch);
        return _scratch.Tokens;
    }
}
