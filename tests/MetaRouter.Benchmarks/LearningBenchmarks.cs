using BenchmarkDotNet.Attributes;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Benchmarks;

/// <summary>Feedback: opening a receipt, learning with a window of so many signals, and the state's way to disk and back.</summary>
[MemoryDiagnoser]
[MedianColumn, MinColumn, MaxColumn]
public class LearningBenchmarks
{
    private UserModel _user = null!;
    private RouteDecision _decision = null!;
    private byte[] _state = [];
    private int _next;

    [Params(0, 64)]
    public int Signals { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _user = Workload.User(Workload.Pool(8), Signals);
        _decision = _user.Decide(new RouteRequest("Which planet has the most moons?"), Workload.Policy, Workload.Moment(1000), new());
        _state = _user.State.ToBytes();
    }

    [Benchmark(Description = "open a receipt")]
    public bool Open() => Workload.Policy.Sealer.Open(_decision.Token, 1, 2, _decision.Receipt.DecisionTimeMs + 1000, out _).IsValid;

    [Benchmark(Description = "learn", Baseline = true)]
    public UserModel Learn()
    {
        var receipt = _decision.Receipt with { DecisionTimeMs = _decision.Receipt.DecisionTimeMs + _next++ };
        return _user.Learn(receipt, FeedbackKind.Thumb, 1, receipt.DecisionTimeMs + 1000, false, out _);
    }

    [Benchmark(Description = "state to bytes")]
    public int Write() => _user.State.ToBytes().Length;

    [Benchmark(Description = "user from bytes")]
    public UserModel Read() => new(_user.Pool, UserState.Read(_state));
}
