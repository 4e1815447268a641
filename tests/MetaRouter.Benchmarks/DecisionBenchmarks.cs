using BenchmarkDotNet.Attributes;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;

namespace MetaRouter.Benchmarks;

/// <summary>One decision and its parts: a different request each time, so that no branch is learned by heart.</summary>
[MemoryDiagnoser]
[MedianColumn, MinColumn, MaxColumn]
public class DecisionBenchmarks
{
    private const int Different = 512;
    private readonly RequestEncoding _scratch = new();
    private RouteRequest[] _requests = [];
    private Outcome[] _outcomes = [];
    private float[] _tokens = [];
    private float[] _projected = [];
    private readonly byte[] _token = new byte[ReceiptSealer.TokenLength];
    private UserModel _user = null!;
    private int _next;

    [Params(8)]
    public int Models { get; set; }

    [Params(200)]
    public int Tokens { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var pool = Workload.Pool(Models);
        _user = Workload.User(pool, 20);
        _requests = [.. Workload.Requests(Tokens, Different).Select(t => new RouteRequest(t))];
        (_outcomes, _tokens, _projected) = (new Outcome[Models], new float[Models], new float[pool.Projected]);
    }

    private RouteRequest Next() => _requests[_next++ % Different];

    [Benchmark(Description = "encode")]
    public float Encode()
    {
        Workload.Snapshot.Encoder.Encode(Next().Text, _scratch);
        return _scratch.Tokens;
    }

    [Benchmark(Description = "encode, predict")]
    public float Predict()
    {
        Workload.Snapshot.Encoder.Encode(Next().Text, _scratch);
        _user.Pool.Predict(_scratch, float.NaN, _outcomes, _tokens, _projected);
        return _outcomes[0].Quality;
    }

    [Benchmark(Description = "decision (encode, predict, decide, receipt)", Baseline = true)]
    public int Decide() => _user.Decide(Next(), Workload.Policy, Workload.Moment(_next), _scratch).WriteToken(_token);

    [Benchmark(Description = "decision, its receipt as a string")]
    public string Token() => _user.Decide(Next(), Workload.Policy, Workload.Moment(_next), _scratch).Token;

    [Benchmark(Description = "decision that chooses a comparison")]
    public int Compare() => _user.Decide(Next() with { MayCompare = true }, Workload.Policy, Workload.Moment(_next), _scratch).WriteToken(_token);
}
