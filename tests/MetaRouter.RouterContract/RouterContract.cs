using System.Text.Json;
using System.Text.RegularExpressions;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.RouterContract;

/// <summary>What every way of running the router promises. Derive from it and say how the fixture is made.</summary>
public abstract class RouterContract : IAsyncLifetime
{
    private const string Tenant = "acme";
    private const string User = "ada";

    private readonly List<IRouterFixture> _fixtures = [];
    private IRouterFixture _fixture = null!;
    private IRouter _router = null!;

    protected ManualTime Time { get; } = new();

    protected abstract Task<IRouterFixture> CreateAsync(TimeProvider time);

    public async Task InitializeAsync() => (_fixture, _router) = await NewAsync();

    public async Task DisposeAsync()
    {
        foreach (var fixture in _fixtures)
        {
            await fixture.DisposeAsync();
        }
    }

    [Fact]
    public async Task Route_NewUser_ChoosesAnAllowedModelWithItsExactProbabilityAndStoresNothing()
    {
        var decision = await RouteAsync();

        decision.Candidates.Where(c => c.Exclusion == ModelExclusion.None).Sum(c => (double)c.Propensity).ShouldBe(1, 1e-5);
        decision.Candidates[decision.ChosenIndex].Exclusion.ShouldBe(ModelExclusion.None);
        decision.Propensity.ShouldBeInRange(1e-9, 1);
        decision.Token.Length.ShouldBe(ReceiptSealer.TokenLength);
        (await _fixture.CountUsersAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Explain_TellsWhichModelAndWhatIsBelieved()
    {
        var decision = await RouteAsync();

        Explanation.Of(decision).ShouldContain(decision.Model.Value);
        Explanation.Of(await _router.GetUserAsync(Tenant, User)).ShouldContain("nothing is known of this user yet");
        await LearnAsync(decision);
        Explanation.Of(await _router.GetUserAsync(Tenant, User)).ShouldContain("from 1 signal");
    }

    [Fact]
    public async Task Learn_ComparisonsWonByTheCheaper_RaiseTheBelievedWeightOfCost()
    {
        var before = (await _router.GetUserAsync(Tenant, User)).Belief.CostShare;
        for (var i = 0; i < 8; i++)
        {
            var decision = await RouteAsync(i, compare: true);
            var cheaper = decision.Receipt.First.CostUsd < decision.Receipt.Offered.CostUsd;
            (await LearnAsync(decision, FeedbackKind.Comparison, (byte)(cheaper ? 1 : 0))).Counted.ShouldBeTrue();
        }

        (await _router.GetUserAsync(Tenant, User)).Belief.CostShare.ShouldBeGreaterThan(before);
        _router = await RestartAsync();
        (await _router.GetUserAsync(Tenant, User)).Belief.CostShare.ShouldBeGreaterThan(before);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Learn_SameFeedbackTwice_CountsOnceAndSaysSo(bool saysWhen)
    {
        var decision = await RouteAsync();
        Pass(5);
        var feedback = new Feedback(decision.Token, FeedbackKind.Thumb, 1) { OccurredAt = saysWhen ? Time.GetUtcNow() : null };

        ShouldCount(await _router.LearnAsync(Tenant, User, feedback));
        var once = await _router.ExportAsync(Tenant, User);
        Pass(30);
        var again = await _router.LearnAsync(Tenant, User, feedback);
        _router = await RestartAsync();
        Pass(30);
        var afterRestart = await _router.LearnAsync(Tenant, User, feedback);

        foreach (var repeat in (FeedbackResult[])[again, afterRestart])
        {
            repeat.Outcome.ShouldBe(AddOutcome.Repeat);
            repeat.Counted.ShouldBeFalse();
        }

        (await _router.ExportAsync(Tenant, User)).ShouldBe(once);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Learn_SameFeedbackInAnyOrder_GivesEqualBytes(int seed)
    {
        var random = new Random(seed);
        var feedback = await SomeFeedbackAsync(random, decisions: 60); // more signals than the window holds
        var (_, other) = await NewAsync();

        await LearnAllAsync(_router, feedback);
        random.Shuffle(feedback);
        await LearnAllAsync(other, [.. feedback, .. feedback.Take(20)]);

        (await other.ExportAsync(Tenant, User)).ShouldBe(await _router.ExportAsync(Tenant, User));
    }

    [Fact]
    public async Task Learn_ThroughTwoRoutersAtOnce_LosesNothingAndBothBelieveTheSame()
    {
        var second = await _fixture.StartAsync();
        var feedback = new List<Feedback>();
        for (var i = 0; i < 32; i++)
        {
            Pass(1);
            feedback.Add(new Feedback((await RouteAsync(i)).Token, FeedbackKind.Thumb, (byte)(i & 1)));
        }

        Pass(5);
        var results = await Task.WhenAll(feedback.SelectMany((f, i) => (IEnumerable<(IRouter, Feedback)>)(i % 4 == 0 ? [(_router, f), (second, f)] : [(i % 2 == 0 ? _router : second, f)]))
            .Select(pair => Task.Run(async () => await pair.Item1.LearnAsync(Tenant, User, pair.Item2))));

        results.Select(r => r.Outcome).Distinct().ShouldBe([AddOutcome.Counted, AddOutcome.Repeat], ignoreOrder: true);
        results.Count(r => r.Outcome == AddOutcome.Counted).ShouldBeInRange(_fixture.MayAskAgain ? 16 : 32, 32);
        _router = await RestartAsync();
        second = await _fixture.StartAsync();
        var (one, two) = (await _router.GetUserAsync(Tenant, User), await second.GetUserAsync(Tenant, User));
        one.State.Signals.Length.ShouldBe(32);
        one.Belief.Joint.SequenceEqual(two.Belief.Joint).ShouldBeTrue();
        one.State.ToBytes().ShouldBe(two.State.ToBytes());
    }

    [Fact]
    public async Task Learn_ManyUsersAtOnce_LosesNothing()
    {
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
        {
            var user = $"user {i % 50}";
            var decision = await _router.RouteAsync(Tenant, user, new RouteRequest($"question {i}"));
            ShouldCount(await _router.LearnAsync(Tenant, user, new Feedback(decision.Token, FeedbackKind.Thumb, 1)));
        })));
        _router = await RestartAsync();

        for (var u = 0; u < 50; u++)
        {
            (await _router.GetUserAsync(Tenant, $"user {u}")).State.Signals.Length.ShouldBe(4);
        }
    }

    [Fact]
    public async Task Learn_ChangeOfMind_ReplacesAndALateEarlierWordDoesNot()
    {
        var decision = await RouteAsync();
        Pass(60);
        var at = Time.GetUtcNow();

        ShouldCount(await LearnAsync(decision, value: 1, at: at.AddSeconds(-40)));
        (await LearnAsync(decision, value: 0, at: at.AddSeconds(-10))).Outcome.ShouldBe(AddOutcome.Replaced);
        (await LearnAsync(decision, value: 1, at: at.AddSeconds(-20))).Outcome.ShouldBe(AddOutcome.Superseded);
        (await LearnAsync(decision, value: 1)).Outcome.ShouldBe(AddOutcome.Replaced);
        (await LearnAsync(decision, value: 0, at: at.AddYears(50))).Outcome.ShouldBe(AddOutcome.Superseded); // at this very instant, the greater word stays
        Pass(1);
        (await LearnAsync(decision, value: 0, at: at.AddYears(50))).Outcome.ShouldBe(AddOutcome.Replaced);
        Pass(1);
        (await LearnAsync(decision, value: 1)).Outcome.ShouldBe(AddOutcome.Replaced); // a clock that ran ahead has not had the last word

        (await _router.GetUserAsync(Tenant, User)).State.Signals.Single().Value.ShouldBe((byte)1);
    }

    [Fact]
    public async Task Learn_Withdrawal_TakesTheEvidenceAndKeepsRepeatsOut()
    {
        var decision = await RouteAsync();
        var said = new Feedback(decision.Token, FeedbackKind.Thumb, 0) { OccurredAt = Time.GetUtcNow() };
        await _router.LearnAsync(Tenant, User, said);
        Pass(10);

        (await _router.LearnAsync(Tenant, User, said with { Withdrawn = true, OccurredAt = Time.GetUtcNow() })).Outcome.ShouldBe(AddOutcome.Withdrawn);
        _router = await RestartAsync();
        (await _router.LearnAsync(Tenant, User, said)).Outcome.ShouldBe(AddOutcome.Superseded);

        var (user, newcomer) = (await _router.GetUserAsync(Tenant, User), await _router.GetUserAsync(Tenant, "somebody new"));
        user.Belief.Signals.ShouldBe(0);
        user.Belief.Joint.SequenceEqual(newcomer.Belief.Joint).ShouldBeTrue();
    }

    [Fact]
    public async Task Learn_ValueOutsideItsKind_IsAnErrorAndStoresNothing()
    {
        var decision = await RouteAsync();

        await Should.ThrowAsync<ArgumentException>(async () => await LearnAsync(decision, FeedbackKind.Rating, 6));
        await Should.ThrowAsync<ArgumentException>(async () => await LearnAsync(decision, FeedbackKind.Comparison, 1));

        (await _fixture.CountUsersAsync()).ShouldBe(0);
        (await LearnAsync(decision)).Counted.ShouldBeTrue();
    }

    [Fact]
    public async Task Erase_ForgetsRefusesLateFeedbackAndCountsWhatIsDecidedAfterwards()
    {
        var (known, late) = (await RouteAsync(1), await RouteAsync(2));
        await LearnAsync(known);
        await _router.EraseAsync(Tenant, User);

        var after = await RouteAsync(3); // in the same millisecond
        foreach (var decision in (RouteDecision[])[known, late])
        {
            var refused = await LearnAsync(decision);
            refused.IsErased.ShouldBeTrue();
            refused.Counted.ShouldBeFalse();
        }

        (await _router.GetUserAsync(Tenant, User)).State.Signals.ShouldBeEmpty();
        _router = await RestartAsync();
        (await LearnAsync(late)).IsErased.ShouldBeTrue();
        (await _router.GetUserAsync(Tenant, User)).State.Signals.ShouldBeEmpty();
        ShouldCount(await LearnAsync(after));
        (await LearnAsync(late)).IsErased.ShouldBeTrue();
        (await _router.GetUserAsync(Tenant, User)).State.Signals.Length.ShouldBe(1);
    }

    [Fact]
    public async Task Erase_DecisionDatedAhead_ByAClockThatRunsFast_IsCoveredToo()
    {
        var (ahead, tooFar) = (await AheadAsync(TimeSpan.FromMinutes(4)), await AheadAsync(TimeSpan.FromMinutes(6)));
        (await _router.LearnAsync(Tenant, User, new Feedback(tooFar.Token, FeedbackKind.Thumb, 1))).Receipt.Status.ShouldBe(ReceiptStatus.FromTheFuture);
        await _router.EraseAsync(Tenant, User);

        (await LearnAsync(ahead)).IsErased.ShouldBeTrue();
        ShouldCount(await LearnAsync(await RouteAsync(2)));
        ShouldCount(await LearnAsync(await AheadAsync(TimeSpan.FromMinutes(3)))); // decided by who knows of the erasure
        Time.Advance(TimeSpan.FromMinutes(6));
        _router = await RestartAsync();
        (await LearnAsync(ahead)).IsErased.ShouldBeTrue();
        ShouldCount(await LearnAsync(await RouteAsync(3)));
        (await _router.GetUserAsync(Tenant, User)).State.Signals.Length.ShouldBe(3);

        async Task<RouteDecision> AheadAsync(TimeSpan by)
        {
            Time.Advance(by);
            var decision = await RouteAsync();
            Time.Advance(-by);
            return decision;
        }
    }

    [Fact]
    public async Task Erase_Again_ByAClockBehindTheFirst_CoversWhatWasDecidedBetween()
    {
        Time.Advance(TimeSpan.FromMinutes(4));
        await _router.EraseAsync(Tenant, User);
        Time.Advance(-TimeSpan.FromMinutes(4));
        var (known, late) = (await RouteAsync(1), await RouteAsync(2));
        ShouldCount(await LearnAsync(known));
        await _router.EraseAsync(Tenant, User);

        (await LearnAsync(known)).IsErased.ShouldBeTrue();
        (await LearnAsync(late)).IsErased.ShouldBeTrue();
        (await _router.GetUserAsync(Tenant, User)).State.Signals.ShouldBeEmpty();
        ShouldCount(await LearnAsync(await RouteAsync(3)));
    }

    [Fact]
    public async Task Erase_WhileFeedbackArrives_NeverBringsTheUserBack()
    {
        var feedback = new List<RouteDecision>();
        for (var i = 0; i < 24; i++)
        {
            feedback.Add(await RouteAsync(i));
        }

        Pass(1);
        var other = await _fixture.StartAsync();
        await Task.WhenAll(feedback.Select((d, i) => Task.Run(async () =>
        {
            if (i == 12)
            {
                await _router.EraseAsync(Tenant, User);
            }

            await (i % 2 == 0 ? _router : other).LearnAsync(Tenant, User, new Feedback(d.Token, FeedbackKind.Thumb, 1));
            await _router.GetUserAsync(Tenant, User);
        })));

        (await _router.GetUserAsync(Tenant, User)).State.Signals.ShouldBeEmpty();
        _router = await RestartAsync();
        (await _router.GetUserAsync(Tenant, User)).State.Signals.ShouldBeEmpty();
    }

    [Fact]
    public async Task Export_Erase_Import_GivesTheSameUserBack()
    {
        await LearnAllAsync(_router, await SomeFeedbackAsync(new Random(4), decisions: 20));
        var record = await _router.ExportAsync(Tenant, User);
        await _router.EraseAsync(Tenant, User);
        (await _router.ExportAsync(Tenant, User)).ShouldNotBe(record);

        await _router.ImportAsync(Tenant, User, record);
        (await _router.ExportAsync(Tenant, User)).ShouldBe(record);
        await _router.ImportAsync(Tenant, User, record);
        (await _router.ExportAsync(Tenant, User)).ShouldBe(record);
        _router = await RestartAsync();
        (await _router.ExportAsync(Tenant, User)).ShouldBe(record);
    }

    [Fact]
    public async Task Import_NothingNew_WritesNothing()
    {
        await _router.ImportAsync(Tenant, User, UserState.Empty.ToBytes());
        (await _fixture.CountUsersAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Import_BytesThatAreNoRecord_SaysSoAndChangesNothing()
    {
        await LearnAsync(await RouteAsync());
        var record = await _router.ExportAsync(Tenant, User);
        var torn = record.ToArray();
        torn[^1] ^= 1;

        await Should.ThrowAsync<UserStateException>(async () => await _router.ImportAsync(Tenant, User, torn));
        await Should.ThrowAsync<UserStateException>(async () => await _router.ImportAsync(Tenant, User, ReadOnlyMemory<byte>.Empty));
        (await _router.ExportAsync(Tenant, User)).ShouldBe(record);
    }

    [Fact]
    public async Task Import_SignalsOfDecisionsToCome_AreRefused_ElseTheyWouldFillTheWindowForGood()
    {
        await LearnAsync(await RouteAsync());
        var record = await _router.ExportAsync(Tenant, User);
        var known = UserState.Read(record).Signals[0];

        var later = Record(Time.GetUtcNow().AddMinutes(6));
        (await Should.ThrowAsync<UserStateException>(async () => await _router.ImportAsync(Tenant, User, later))).Message.ShouldContain("decision at");
        (await _router.ExportAsync(Tenant, User)).ShouldBe(record);
        await _router.ImportAsync(Tenant, User, Record(Time.GetUtcNow().AddMinutes(4)));
        (await _router.GetUserAsync(Tenant, User)).State.Count.ShouldBe(3);

        byte[] Record(DateTimeOffset at) => UserState.Empty
            .Add(known with { Key = known.Key with { DecisionTimeMs = 1 } })
            .Add(known with { Key = known.Key with { DecisionTimeMs = at.ToUnixTimeMilliseconds() }, ClientTimeMs = at.ToUnixTimeMilliseconds() }).ToBytes();
    }

    [Fact]
    public async Task Learn_ForeignForgedOrExpiredReceipt_IsRefusedAndStoresNothing()
    {
        var decision = await RouteAsync();
        var feedback = new Feedback(decision.Token, FeedbackKind.Thumb, 1);
        var forged = feedback with { Receipt = decision.Token[..100] + (decision.Token[100] == 'A' ? 'B' : 'A') + decision.Token[101..] };

        Refused(await _router.LearnAsync(Tenant, "eve", feedback), ReceiptStatus.Foreign);
        Refused(await _router.LearnAsync("other tenant", User, feedback), ReceiptStatus.Foreign);
        Refused(await _router.LearnAsync(Tenant, User, forged), ReceiptStatus.Forged);
        Refused(await _router.LearnAsync(Tenant, User, feedback with { Receipt = "" }), ReceiptStatus.Malformed);
        Time.Advance(TimeSpan.FromDays(7) + TimeSpan.FromMinutes(1));
        Refused(await _router.LearnAsync(Tenant, User, feedback), ReceiptStatus.Expired);
        (await _fixture.CountUsersAsync()).ShouldBe(0);

        static void Refused(FeedbackResult result, ReceiptStatus status)
        {
            result.Receipt.Status.ShouldBe(status);
            result.Receipt.Message.ShouldNotBeNullOrEmpty();
            result.Counted.ShouldBeFalse();
            result.User.ShouldBeNull();
        }
    }

    [Fact]
    public async Task Learn_SaveThatFails_IsAnErrorAndTheRetryCounts()
    {
        await LearnAsync(await RouteAsync(1));
        var decision = await RouteAsync(2);
        _fixture.Faults.FailNextSave();

        await Should.ThrowAsync<IOException>(async () => await LearnAsync(decision));
        (await _router.GetUserAsync(Tenant, User)).State.Signals.Length.ShouldBe(1);
        ShouldCount(await LearnAsync(decision));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Learn_AnswerLostAfterTheSave_TheRetryIsARepeatAndCountsOnce(bool restarts)
    {
        await LearnAsync(await RouteAsync(1));
        var decision = await RouteAsync(2);
        _fixture.Faults.LoseNextAnswer();
        await Should.ThrowAsync<IOException>(async () => await LearnAsync(decision));
        Pass(20);

        _router = restarts ? await RestartAsync() : _router;

        (await LearnAsync(decision)).Outcome.ShouldBe(AddOutcome.Repeat);
        (await _router.GetUserAsync(Tenant, User)).State.Signals.Length.ShouldBe(2);
    }

    [Fact]
    public async Task UnreadableRecord_IsKeptAsideAndReportedAndTheUserStartsAnew()
    {
        await LearnAsync(await RouteAsync(1));
        await LearnAsync(await RouteAsync(2));
        await _fixture.StopAsync();
        await _fixture.CorruptAsync(Tenant, User);
        _router = await _fixture.StartAsync();
        var errors = _fixture.Errors.Count;

        var decisions = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => RouteAsync(i))));

        await Eventually.TrueAsync(async () => await _fixture.CountQuarantinedAsync() == 1, TimeSpan.FromSeconds(10)); // a record that takes long to load keeps no answer waiting
        await Eventually.TrueAsync(() => _fixture.Errors.Skip(errors).Any(e => e.Contains("cannot be read", StringComparison.Ordinal)), TimeSpan.FromSeconds(10)); // of another process it may be on its way
        _fixture.Errors.ShouldNotContain(e => Regex.IsMatch(e, $@"\b{User}\b"));
        foreach (var decision in decisions)
        {
            ShouldCount(await LearnAsync(decision));
        }

        _router = await RestartAsync();
        (await _router.GetUserAsync(Tenant, User)).State.Signals.Length.ShouldBe(8);
        (await _fixture.CountQuarantinedAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task Erase_AlsoRemovesWhatWasKeptAside()
    {
        await LearnAsync(await RouteAsync());
        await _fixture.StopAsync();
        await _fixture.CorruptAsync(Tenant, User);
        _router = await _fixture.StartAsync();
        await RouteAsync();
        (await _fixture.CountQuarantinedAsync()).ShouldBe(1);

        await _router.EraseAsync(Tenant, User);

        (await _fixture.CountQuarantinedAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task CancelledBefore_DoesNothing()
    {
        var decision = await RouteAsync();
        var cancelled = new CancellationToken(canceled: true);

        await Should.ThrowAsync<OperationCanceledException>(async () => await _router.RouteAsync(Tenant, User, new RouteRequest("?"), cancelled));
        await Should.ThrowAsync<OperationCanceledException>(async () => await _router.LearnAsync(Tenant, User, new Feedback(decision.Token, FeedbackKind.Thumb, 1), cancelled));
        await Should.ThrowAsync<OperationCanceledException>(async () => await _router.EraseAsync(Tenant, User, cancelled));
        await Should.ThrowAsync<OperationCanceledException>(async () => await _router.ImportAsync(Tenant, User, UserState.Empty.ToBytes(), cancelled));
        await Should.ThrowAsync<OperationCanceledException>(async () => await _router.ExportAsync(Tenant, "never seen", cancelled));

        (await _fixture.CountUsersAsync()).ShouldBe(0);
        ShouldCount(await LearnAsync(decision));
    }

    [Fact]
    public async Task CancelledDuring_LeavesTheSignalCountedOnceAfterARetry()
    {
        var (held, waiting) = (await RouteAsync(1), await RouteAsync(2));
        using var cancel = new CancellationTokenSource();
        var save = _fixture.Faults.HoldNextSave();
        var first = Task.Run(async () => await _router.LearnAsync(Tenant, User, new Feedback(held.Token, FeedbackKind.Thumb, 1), cancel.Token));
        await save.Arrived.WaitAsync(TimeSpan.FromSeconds(10));
        var second = Task.Run(async () => await _router.LearnAsync(Tenant, User, new Feedback(waiting.Token, FeedbackKind.Thumb, 1), cancel.Token));
        await Task.Delay(20);
        await cancel.CancelAsync();

        // It waits behind the first and has nothing on its way, so it need not wait for it.
        await Should.ThrowAsync<OperationCanceledException>(second.WaitAsync(TimeSpan.FromSeconds(10)));
        save.LetGo();
        try
        {
            (await first).Counted.ShouldBeTrue();
        }
        catch (OperationCanceledException)
        {
            // As good: the retry tells.
        }

        await LearnAsync(held);

        // On a cluster the word that the caller went away may come too late: the retry then is a repeat.
        (await LearnAsync(waiting)).Outcome.ShouldNotBeNull().ShouldBeOneOf(AddOutcome.Counted, AddOutcome.Repeat);
        _router = await RestartAsync();
        (await _router.GetUserAsync(Tenant, User)).State.Signals.Length.ShouldBe(2);
    }

    [Fact]
    public async Task RouteAnonymous_StoresNothingAndItsReceiptIsNobodys()
    {
        var decision = await _router.RouteAnonymousAsync(Tenant, new RouteRequest("Who am I?"));

        (await LearnAsync(decision)).Receipt.Status.ShouldBe(ReceiptStatus.Foreign);
        await _fixture.StopAsync();
        (await _fixture.CountUsersAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Decisions_AreLoggedWithTheirPropensitiesAndWithoutTextOrIdentity()
    {
        var decisions = new List<RouteDecision>();
        for (var i = 0; i < 40; i++)
        {
            Pass(1);
            decisions.Add(await _router.RouteAsync("canary-tenant", "canary-user", new RouteRequest($"canary-text {i}") { MayCompare = i % 4 == 0 }));
        }

        await _fixture.StopAsync();
        var lines = await _fixture.ReadDecisionLogAsync();

        lines.ShouldAllBe(l => !l.Contains("canary"));
        var heard = _fixture.MayAskAgain ? [.. lines.Where(l => decisions.Any(d => IsOf(d, l)))] : lines;
        heard.Count.ShouldBe(decisions.Count);
        foreach (var (line, decision) in heard.Zip(decisions))
        {
            IsOf(decision, line).ShouldBeTrue();
            line.ShouldNotContain(decision.Token);
            using var json = JsonDocument.Parse(line);
            json.RootElement.GetProperty("chosen").GetString().ShouldBe(decision.Model.Value);
            json.RootElement.GetProperty("offered").GetString().ShouldBe(decision.Offered?.Value);
            json.RootElement.GetProperty("propensity").GetDouble().ShouldBe(decision.Propensity, 1e-6);
            json.RootElement.GetProperty("candidates").EnumerateArray().Sum(c => c.GetProperty("propensity").GetDouble()).ShouldBe(1, 1e-5);
        }
    }

    [Fact]
    public async Task Ratings_BesideAWindowFullOfWhatSpeaks_ChangeNothingKnownAndAreLogged()
    {
        for (var i = 0; i < UserState.Window; i++)
        {
            Pass(10);
            await LearnAsync(await RouteAsync(i));
        }

        var before = await _router.ExportAsync(Tenant, User);
        var rated = new List<RouteDecision>();
        for (var i = 0; i < 3; i++)
        {
            Pass(10);
            var decision = await RouteAsync(i);
            rated.Add(decision);

            (await LearnAsync(decision, FeedbackKind.Rating, 4)).ShouldSatisfyAllConditions(r => r.Outcome.ShouldBe(AddOutcome.BelowFloor), r => r.Counted.ShouldBeFalse());
        }

        (await _router.ExportAsync(Tenant, User)).ShouldBe(before);
        await _fixture.StopAsync();
        var lines = await _fixture.ReadDecisionLogAsync();
        rated.ShouldAllBe(d => lines.Any(l => l.Contains("\"Rating\"", StringComparison.Ordinal) && IsOf(d, l)));
    }

    [Fact]
    public async Task Feedback_ThatCounted_IsLoggedOnceBesideItsDecision()
    {
        var decision = await _router.RouteAsync("canary-tenant", "canary-user", new RouteRequest("canary-text"));
        var thumb = new Feedback(decision.Token, FeedbackKind.Thumb, 1);
        await _router.LearnAsync("canary-tenant", "canary-user", thumb);
        await _router.LearnAsync("canary-tenant", "canary-user", thumb);
        await _router.LearnAsync("canary-tenant", "somebody-else", thumb);

        await _fixture.StopAsync();
        var lines = await _fixture.ReadDecisionLogAsync();

        var line = lines.Where(l => l.Contains("\"feedback\"")).ShouldHaveSingleItem();
        lines[^1].ShouldBe(line);
        lines.Count(l => IsOf(decision, l)).ShouldBe(2);
        (_fixture.MayAskAgain || lines.Count == 2).ShouldBeTrue($"{lines.Count} lines of a decision and what was said of it");
        line.ShouldNotContain("canary");
        using var json = JsonDocument.Parse(line);
        (json.RootElement.GetProperty("feedback").GetString(), json.RootElement.GetProperty("value").GetInt32(), json.RootElement.GetProperty("withdrawn").GetBoolean()).ShouldBe(("Thumb", 1, false));
    }

    private static bool IsOf(RouteDecision decision, string line)
    {
        using var json = JsonDocument.Parse(line);
        return (json.RootElement.GetProperty("nonce").GetInt64(), json.RootElement.GetProperty("time").GetDateTimeOffset().ToUnixTimeMilliseconds()) == (decision.Receipt.Nonce, decision.Receipt.DecisionTimeMs);
    }

    /// <summary>It counted. Where a call is made again behind the caller's back because its answer was late, the second is told that it is a repeat.</summary>
    private void ShouldCount(FeedbackResult result) => result.Outcome.ShouldNotBeNull().ShouldBeOneOf(_fixture.MayAskAgain ? [AddOutcome.Counted, AddOutcome.Repeat] : [AddOutcome.Counted]);

    private async Task<(IRouterFixture, IRouter)> NewAsync()
    {
        var fixture = await CreateAsync(Time);
        _fixtures.Add(fixture);
        return (fixture, await fixture.StartAsync());
    }

    private async Task<IRouter> RestartAsync()
    {
        await _fixture.StopAsync();
        return await _fixture.StartAsync();
    }

    private void Pass(int seconds) => Time.Advance(TimeSpan.FromSeconds(seconds));

    private async Task<RouteDecision> RouteAsync(int i = 0, bool compare = false) =>
        await _router.RouteAsync(Tenant, User, new RouteRequest($"Solve equation {i} for x and explain every step.") { MayCompare = compare });

    private async Task<FeedbackResult> LearnAsync(RouteDecision decision, FeedbackKind kind = FeedbackKind.Thumb, byte value = 1, DateTimeOffset? at = null) =>
        await _router.LearnAsync(Tenant, User, new Feedback(decision.Token, kind, value) { OccurredAt = at });

    private static async Task LearnAllAsync(IRouter router, IEnumerable<Feedback> feedback)
    {
        foreach (var one in feedback)
        {
            await router.LearnAsync(Tenant, User, one);
        }
    }

    /// <summary>Signals of several kinds, with changes of mind and withdrawals among them; each says when it was meant.</summary>
    private async Task<Feedback[]> SomeFeedbackAsync(Random random, int decisions)
    {
        var all = new List<Feedback>();
        for (var i = 0; i < decisions; i++)
        {
            Pass(random.Next(1, 4000));
            var decision = await RouteAsync(i, compare: random.Next(3) == 0);
            var said = new Feedback(decision.Token, decision.Offered is null ? FeedbackKind.Thumb : FeedbackKind.Comparison, (byte)random.Next(2)) { OccurredAt = Time.GetUtcNow().AddSeconds(random.Next(300)) };
            all.Add(said);
            all.Add(new Feedback(decision.Token, FeedbackKind.Rating, (byte)random.Next(1, 6)) { OccurredAt = said.OccurredAt });
            if (random.Next(3) == 0)
            {
                all.Add(said with { Value = (byte)(1 - said.Value), OccurredAt = said.OccurredAt.Value.AddSeconds(random.Next(-20, 20)) });
            }

            if (random.Next(5) == 0)
            {
                all.Add(said with { Withdrawn = true, OccurredAt = said.OccurredAt.Value.AddSeconds(random.Next(-20, 20)) });
            }
        }

        Pass(600);
        return [.. all];
    }
}
