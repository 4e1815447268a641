namespace MetaRouter.Hosting.Tests;

public sealed class CircuitTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly PassingTime _time = new();
    private readonly Circuit _circuit;

    public CircuitTests() => _circuit = new Circuit(_time, 1, Pause);

    /// <summary>One that was called before it opened: the call that tries it is another, and how long it is left alone is that one's to say.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void OldCall_EndsDuringAProbe_ChangesNothing(bool fails)
    {
        _circuit.TryEnter(out var old).ShouldBeTrue();
        var probe = OpenAndTry();

        End(old, fails);

        _circuit.State.ShouldBe("half_open");
        _circuit.TryEnter(out _).ShouldBeFalse();
        _circuit.Fail(probe).ShouldBeFalse();
        _circuit.Until.ShouldBe(_time.GetUtcNow() + 2 * Pause);
    }

    [Fact]
    public void OldCall_FailsWhileItRests_DoesNotLengthenThat()
    {
        _circuit.TryEnter(out var old).ShouldBeTrue();
        _circuit.Fail(0).ShouldBeTrue();
        var until = _circuit.Until;

        _circuit.Fail(old).ShouldBeFalse();

        _circuit.Until.ShouldBe(until);
    }

    /// <summary>What an upstream asks for itself holds, whoever is told.</summary>
    [Fact]
    public void OldCall_IsToldToWaitLonger_LengthensTheRest()
    {
        _circuit.TryEnter(out var old).ShouldBeTrue();
        _circuit.Fail(0).ShouldBeTrue();

        _circuit.Fail(old, 4 * Pause).ShouldBeFalse();
        _circuit.Fail(old, Pause / 5).ShouldBeFalse();

        _circuit.Until.ShouldBe(_time.GetUtcNow() + 4 * Pause);
        _time.Passed += 4 * Pause;
        _circuit.TryEnter(out var probe).ShouldBeTrue();
        _circuit.Fail(probe);
        _circuit.Until.ShouldBe(_time.GetUtcNow() + 2 * Pause, "the first try that failed");
    }

    [Fact]
    public void Fail_ASuccessInBetween_IsTheFirstInARowAgain()
    {
        var circuit = new Circuit(_time, 2, Pause);
        circuit.Fail(0).ShouldBeFalse();
        circuit.Succeed();

        circuit.Fail(0).ShouldBeFalse();
        circuit.Fail(0).ShouldBeTrue();
    }

    /// <summary>It was opened by what the upstream asked for, before it had failed as often as that takes.</summary>
    [Fact]
    public void Probe_FailsAfterFewFailures_IsOverAllTheSame()
    {
        var circuit = new Circuit(_time, 5, Pause);
        circuit.Fail(0, Pause).ShouldBeTrue();
        _time.Passed += Pause;
        circuit.TryEnter(out var probe).ShouldBeTrue();

        circuit.Fail(probe).ShouldBeFalse();

        circuit.Until.ShouldBe(_time.GetUtcNow() + 2 * Pause);
        _time.Passed += 2 * Pause;
        circuit.TryEnter(out _).ShouldBeTrue();
    }

    [Fact]
    public void Probe_BreaksOffAfterItsBeginning_LetsALaterOneIn()
    {
        OpenAndTry();
        _circuit.Begin();
        _circuit.Fail(0).ShouldBeTrue();
        _time.Passed += Pause;

        _circuit.TryEnter(out var next).ShouldBeTrue();
        next.ShouldNotBe(0);
    }

    [Fact]
    public void Fail_UpstreamAsksForAnHour_IsTriedAfterAMinute()
    {
        _circuit.Fail(0, TimeSpan.FromHours(1)).ShouldBeTrue();

        _circuit.Until.ShouldBe(_time.GetUtcNow() + TimeSpan.FromMinutes(1));
    }

    /// <summary>Its number is of no use once another call has answered in the meantime.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EarlierProbe_EndsDuringALaterOne_ChangesNothing(bool fails)
    {
        var earlier = OpenAndTry();
        _circuit.Succeed();
        OpenAndTry();

        End(earlier, fails);

        _circuit.State.ShouldBe("half_open");
        _circuit.TryEnter(out _).ShouldBeFalse();
    }

    [Fact]
    public void Probe_CallerLeaves_LetsTheNextCallIn()
    {
        _circuit.Leave(OpenAndTry());

        _circuit.IsOpen.ShouldBeFalse();
        _circuit.TryEnter(out var next).ShouldBeTrue();
        next.ShouldNotBe(0);
        _circuit.TryEnter(out _).ShouldBeFalse();
    }

    /// <summary>Who may call it is asked by decisions, and whether it is well by people.</summary>
    [Fact]
    public void IsClosed_RestIsOverAndNobodyTried_IsFalseUntilACallSucceeds()
    {
        _circuit.Fail(0).ShouldBeTrue();
        _time.Passed += Pause;

        _circuit.IsOpen.ShouldBeFalse();
        _circuit.IsClosed.ShouldBeFalse();
        _circuit.TryEnter(out _).ShouldBeTrue();
        _circuit.Begin();
        _circuit.IsClosed.ShouldBeTrue();
    }

    private int OpenAndTry()
    {
        _circuit.Fail(0).ShouldBeTrue();
        _time.Passed += Pause;
        _circuit.TryEnter(out var probe).ShouldBeTrue();
        return probe;
    }

    private void End(int call, bool fails)
    {
        if (fails)
        {
            _circuit.Fail(call).ShouldBeFalse();
        }
        else
        {
            _circuit.Leave(call);
        }
    }
}
