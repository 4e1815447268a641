namespace MetaRouter.Fuzz.Tests;

/// <summary>That nothing was found says something only if what is wrong would be.</summary>
public sealed class FuzzRunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("throws", "InvalidTimeZoneException")]
    [InlineData("lies", "BrokenPromiseException")]
    [InlineData("allocates", "Greedy")]
    [InlineData("allocates elsewhere", "Greedy")]
    [InlineData("sleeps", "Slow")]
    public async Task Run_OneBadInputAmongMany_IsFoundAndSavedWithItsBytes(string fault, string told)
    {
        await using var target = new Faulty(fault, at: 17);
        var (run, found) = (new FuzzRun(_folder.Path), new List<string>());
        run.Found += found.Add;

        var tally = run.Run(target, seed: 5, from: 0, count: 40, DateTime.MaxValue);

        (tally.Inputs, tally.Finds).ShouldBe((40, 1));
        found.ShouldHaveSingleItem().ShouldContain(told);
        File.ReadAllBytes(_folder.File($"{fault}-5-17.bin")).ShouldBe(BitConverter.GetBytes(17));
        File.ReadAllText(_folder.File($"{fault}-5-17.txt")).ShouldContain(told);
    }

    [Fact]
    public async Task Run_InputThatDoesNotEnd_IsToldWhileItRuns()
    {
        await using var target = new Faulty("hangs", at: 3);
        var (run, hung) = (new FuzzRun(_folder.Path), false);
        run.Hung += () =>
        {
            hung = true;
            target.LetGo();
        };

        run.Run(target, seed: 5, from: 0, count: 5, DateTime.MaxValue);

        hung.ShouldBeTrue();
        File.ReadAllText(_folder.File("hangs-5-3.txt")).ShouldContain("Hung");
    }

    [Fact]
    public async Task Run_ManyOfOneKind_AreCountedAllAndKeptThrice()
    {
        await using var target = new Faulty("throws", at: -1);
        var (run, told) = (new FuzzRun(_folder.Path), 0);
        run.Found += _ => told++;

        run.Run(target, 5, 0, 50, DateTime.MaxValue).Finds.ShouldBe(50);

        told.ShouldBe(3);
        Directory.GetFiles(_folder.Path, "*.bin").Length.ShouldBe(3);
    }

    [Fact]
    public void Table_Pieces_AreSummed()
    {
        FuzzReport.Append(_folder.File("r.jsonl"), new Tally("throws", 1, 0, 1_000, 600, 400, 0, 2, 5, 2048));
        FuzzReport.Append(_folder.File("r.jsonl"), new Tally("throws", 1, 1_000, 3_000, 1_000, 1_999, 1, 2, 7, 1024));

        var pieces = FuzzReport.Read(_folder.File("r.jsonl"));

        FuzzReport.Table(pieces, [new Faulty("throws", 0)]).ShouldContain("| throws | nothing | 4,000 | 1,600 | 2,399 | 1 | 1,000 | 7 | 2 |");
    }

    /// <summary>Goes wrong at one input, or at each.</summary>
    private sealed class Faulty(string fault, int at) : FuzzTarget(fault, 64)
    {
        private readonly ManualResetEventSlim _end = new();
        private int _next;

        public override string Reads => "nothing";

        public override TimeSpan TimeLimit => TimeSpan.FromMilliseconds(200);

        public override bool IsReadElsewhere => Name == "allocates elsewhere";

        public void LetGo() => _end.Set();

        public override void Draw(Chance chance) => Input.Set(BitConverter.GetBytes(_next++));

        public override bool Run()
        {
            var isBad = BitConverter.ToInt32(Input.Bytes) is var input && (at < 0 || input == at);
            return !isBad || Name switch
            {
                "throws" => throw new InvalidTimeZoneException("Not documented."),
                "lies" => throw new BrokenPromiseException("It is not so."),
                "allocates" => new byte[8 << 20].Length > 0,
                "allocates elsewhere" => Task.Run(() => new byte[8 << 20].Length > 0).GetAwaiter().GetResult(),
                "sleeps" => _end.Wait(TimeSpan.FromMilliseconds(300)),
                _ => _end.Wait(TimeSpan.FromSeconds(30)),
            };
        }

        public override ValueTask DisposeAsync()
        {
            _end.Dispose();
            return base.DisposeAsync();
        }
    }
}
