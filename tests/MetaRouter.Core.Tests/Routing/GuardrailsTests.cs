using System.Collections.Frozen;
using FsCheck;
using FsCheck.Fluent;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Tests.Routing;

public class GuardrailsTests
{
    private static readonly ModelCatalog Two = new([Model("small") with { ContextWindow = 8_000, Capabilities = ModelCapabilities.Streaming }, Model("large")]);

    private readonly ModelExclusion[] _verdicts = new ModelExclusion[2];

    [Fact]
    public void Apply_NothingAsked_AllowsAll()
    {
        Apply(default).ShouldBe(2);
        _verdicts.ShouldBe([ModelExclusion.None, ModelExclusion.None]);
    }

    [Fact]
    public void Apply_DisabledModel_IsOut()
    {
        new Guardrails().Apply(new([Model("small") with { Enabled = false }, Model("large")]), default, [1, 1], null, _verdicts).ShouldBe(1);
        _verdicts.ShouldBe([ModelExclusion.Disabled, ModelExclusion.None]);
    }

    [Fact]
    public void Apply_MissingCapability_IsOut()
    {
        Apply(new() { Capabilities = ModelCapabilities.Streaming | ModelCapabilities.Tools }).ShouldBe(1);
        _verdicts.ShouldBe([ModelExclusion.MissingCapability, ModelExclusion.None]);
    }

    [Theory]
    [InlineData(7_000, 1_000, ModelExclusion.None)]
    [InlineData(7_000, 1_001, ModelExclusion.ContextTooSmall)]
    [InlineData(8_001, 0, ModelExclusion.ContextTooSmall)]
    public void Apply_PromptAndCompletion_MustFitTogether(int prompt, int output, ModelExclusion verdict)
    {
        Apply(new() { PromptTokens = prompt, ExpectedOutputTokens = output });
        _verdicts.ShouldBe([verdict, ModelExclusion.None]);
    }

    [Fact]
    public void Apply_TokensNearTheIntegersEnd_DoNotWrap() =>
        Should.Throw<NoModelAllowedException>(() => Apply(new() { PromptTokens = int.MaxValue, ExpectedOutputTokens = int.MaxValue }));

    [Theory]
    [InlineData(0.1, null)]
    [InlineData(null, 0.1)]
    [InlineData(0.1, 0.5)]
    [InlineData(0.5, 0.1)]
    public void Apply_TheLowerCostLimit_Holds(double? operators, double? requests)
    {
        var guardrails = new Guardrails(new() { MaxCostUsd = operators });

        guardrails.Apply(Two, new() { MaxCostUsd = requests }, [0.1f, 0.2f], null, _verdicts).ShouldBe(1);
        _verdicts.ShouldBe([ModelExclusion.None, ModelExclusion.OverCostLimit]);
    }

    [Fact]
    public void Apply_UnknownCostUnderALimit_IsOut()
    {
        new Guardrails().Apply(Two, new() { MaxCostUsd = 1 }, [float.NaN, 0.5f], null, _verdicts).ShouldBe(1);
        _verdicts.ShouldBe([ModelExclusion.OverCostLimit, ModelExclusion.None]);
        new Guardrails().Apply(Two, default, [float.NaN, 0.5f], null, _verdicts).ShouldBe(2);
    }

    [Fact]
    public void Apply_OperatorsAllowList_Holds()
    {
        new Guardrails(new() { AllowedModels = Set("small") }).Apply(Two, default, [1, 1], null, _verdicts).ShouldBe(1);
        _verdicts.ShouldBe([ModelExclusion.None, ModelExclusion.NotAllowed]);
    }

    [Fact]
    public void Apply_RequestsAllowList_Narrows()
    {
        Apply(new() { AllowedModels = Set("large") }).ShouldBe(1);
        _verdicts.ShouldBe([ModelExclusion.NotAllowed, ModelExclusion.None]);
        Should.Throw<NoModelAllowedException>(() => new Guardrails(new() { AllowedModels = Set("small") }).Apply(Two, new() { AllowedModels = Set("large") }, [1, 1], null, _verdicts));
    }

    [Fact]
    public void Apply_CategoryPin_HoldsForItsCategoryOnly()
    {
        var guardrails = new Guardrails(new() { CategoryPins = new Dictionary<string, IReadOnlySet<ModelId>> { ["medical"] = Set("large") } });

        guardrails.Apply(Two, new() { Category = "medical" }, [1, 1], null, _verdicts).ShouldBe(1);
        _verdicts.ShouldBe([ModelExclusion.NotAllowed, ModelExclusion.None]);
        guardrails.Apply(Two, new() { Category = "chat" }, [1, 1], null, _verdicts).ShouldBe(2);
        guardrails.Apply(Two, default, [1, 1], null, _verdicts).ShouldBe(2);
    }

    [Fact]
    public void Apply_UnhealthyModel_IsOut()
    {
        new Guardrails().Apply(Two, default, [1, 1], Set("large"), _verdicts).ShouldBe(1);
        _verdicts.ShouldBe([ModelExclusion.None, ModelExclusion.Unhealthy]);
    }

    [Fact]
    public void Apply_NothingLeft_NamesEachModelItsReasonAndTheRemedy()
    {
        var catalog = new ModelCatalog([
            Model("off") with { Enabled = false },
            Model("barred"),
            Model("down"),
            Model("blind") with { Capabilities = ModelCapabilities.Tools },
            Model("short") with { ContextWindow = 1_000 },
            Model("dear"),
            Model("fed")]);
        var needs = new RouteNeeds { Capabilities = ModelCapabilities.Vision, PromptTokens = 900, ExpectedOutputTokens = 200, MaxCostUsd = 0.01, AllowedModels = Set("off", "down", "blind", "short", "dear", "fed"), UsedUpModels = Set("barred", "dear", "fed") };

        var refused = Should.Throw<NoModelAllowedException>(() => new Guardrails().Apply(catalog, needs, [1, 1, 1, 1, 1, 0.5f, 0.001f], Set("down"), new ModelExclusion[7]));

        refused.Excluded.Select(one => one.Reason).ShouldBe([ModelExclusion.Disabled, ModelExclusion.NotAllowed, ModelExclusion.Unhealthy, ModelExclusion.MissingCapability, ModelExclusion.ContextTooSmall, ModelExclusion.OverCostLimit, ModelExclusion.ShareUsedUp]);
        refused.Message.ShouldStartWith(
            "No model may answer this request: 'off' is disabled; 'barred' is not on the allow-list; 'down' is unhealthy; 'blind' lacks Vision; "
            + "'short' holds 1000 tokens and the request needs 1100; 'dear' would cost $0.5, over the limit of $0.01; 'fed' has had its share of the tenant's requests. Enable a model in the catalog. Add a model to the allow-list");
        refused.Message.ShouldEndWith("Raise the cost limit, shorten the request, or add a cheaper model. Ask again once other models have answered more, raise the share, or add a model that it does not limit.");
    }

    /// <summary>To shorten a request helps where a model holds too little and nothing else is wrong with it, and none is out only for a while.</summary>
    [Theory]
    [InlineData(null, 4_000)]
    [InlineData("barred", 4_000)]
    [InlineData("large", null)]
    public void Apply_NothingLeft_TellsWhatIsHeldByAModelThatOnlyHoldsTooLittle(string? down, int? tokens)
    {
        var catalog = new ModelCatalog([Model("small") with { ContextWindow = 1_000 }, Model("middle") with { ContextWindow = 4_000 }, Model("large"), Model("barred") with { ContextWindow = 5_000 }]);
        var needs = new RouteNeeds { PromptTokens = 6_000, MaxCostUsd = 0.01, AllowedModels = Set("small", "middle", "large") };

        var refused = Should.Throw<NoModelAllowedException>(() => new Guardrails().Apply(catalog, needs, [0.001f, 0.001f, 0.5f, 0.001f], down is null ? null : Set(down), new ModelExclusion[4]));

        refused.ContextWindow.ShouldBe(tokens);
    }

    [Fact]
    public void Apply_NothingLeftOfALongCatalog_SumsUpTheRest()
    {
        var catalog = new ModelCatalog(Enumerable.Range(0, 40).Select(i => Model($"m{i}") with { Enabled = false }));
        var refused = Should.Throw<NoModelAllowedException>(() => new Guardrails().Apply(catalog, default, new float[40], null, new ModelExclusion[40]));

        refused.Message.ShouldContain("'m31' is disabled; and 8 more.");
        refused.Excluded.Length.ShouldBe(40);
    }

    [Fact]
    public void Apply_AllocatesNothing()
    {
        var guardrails = new Guardrails(new() { AllowedModels = Set("small", "large"), MaxCostUsd = 2, CategoryPins = new Dictionary<string, IReadOnlySet<ModelId>> { ["medical"] = Set("large") } });
        var needs = new RouteNeeds { Category = "medical", PromptTokens = 10, AllowedModels = Set("large") };
        var unhealthy = Set("small");
        float[] costs = [1, 1];
        guardrails.Apply(Two, needs, costs, unhealthy, _verdicts);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            guardrails.Apply(Two, needs, costs, unhealthy, _verdicts);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    /// <summary>Whatever is asked of whatever catalog: who may answer breaks no rule, who may not breaks the one named, and when nobody is left that is said.</summary>
    [Fact]
    public void Apply_AnyCatalogAndNeeds_LetsNobodyPastARule() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
    {
        var random = new Random(seed);
        var models = Enumerable.Range(0, random.Next(1, 9)).Select(i => Model($"m{i}") with
        {
            Enabled = random.Next(5) > 0,
            ContextWindow = random.Next(1_000, 9_000),
            Capabilities = (ModelCapabilities)random.Next((int)ModelCapabilities.All + 1),
        }).ToArray();
        IReadOnlySet<ModelId>? Some() => random.Next(2) == 0 ? null : models.Where(_ => random.Next(3) > 0).Append(models[0]).Select(m => m.Id).ToFrozenSet();
        var (allowed, unhealthy, limit) = (Some(), random.Next(2) == 0 ? null : models.Where(_ => random.Next(4) == 0).Select(m => m.Id).ToFrozenSet(), random.Next(2) == 0 ? (double?)null : random.NextDouble());
        var needs = new RouteNeeds { Capabilities = (ModelCapabilities)(1 << random.Next(4)) & ModelCapabilities.All, PromptTokens = random.Next(5_000), ExpectedOutputTokens = random.Next(2_000), MaxCostUsd = limit, AllowedModels = allowed };
        var costs = models.Select(_ => random.Next(6) == 0 ? float.NaN : random.NextSingle()).ToArray();
        var verdicts = new ModelExclusion[models.Length];
        var count = 0;
        try
        {
            count = new Guardrails().Apply(new(models), needs, costs, unhealthy, verdicts);
        }
        catch (NoModelAllowedException)
        {
            // Nobody is left, which the verdicts must say too.
        }

        return count == verdicts.Count(v => v == ModelExclusion.None) && models.Select((m, i) => verdicts[i] switch
        {
            ModelExclusion.None => m.Enabled && allowed?.Contains(m.Id) is not false && unhealthy?.Contains(m.Id) is not true && (needs.Capabilities & ~m.Capabilities) == 0
                && needs.PromptTokens + needs.ExpectedOutputTokens <= m.ContextWindow && (limit is not { } most || costs[i] <= most),
            ModelExclusion.Disabled => !m.Enabled,
            ModelExclusion.NotAllowed => allowed?.Contains(m.Id) is false,
            ModelExclusion.Unhealthy => unhealthy?.Contains(m.Id) is true,
            ModelExclusion.MissingCapability => (needs.Capabilities & ~m.Capabilities) != 0,
            ModelExclusion.ContextTooSmall => needs.PromptTokens + needs.ExpectedOutputTokens > m.ContextWindow,
            ModelExclusion.OverCostLimit => !(costs[i] <= limit),
            _ => false,
        }).All(holds => holds);
    }));

    [Fact]
    public void Apply_WrongRoom_IsRefused() => Should.Throw<ArgumentException>(() => new Guardrails().Apply(Two, default, [1], null, _verdicts)).Message.ShouldContain("1 predicted costs");

    [Fact]
    public void Apply_RoomForFewerVerdicts_IsRefused() => Should.Throw<ArgumentException>(() => new Guardrails().Apply(Two, default, [1, 1], null, new ModelExclusion[1])).Message.ShouldContain("room for 1 verdicts");

    [Fact]
    public void Apply_NeedsOutOfRange_AreRefused()
    {
        Should.Throw<ArgumentException>(() => Apply(new() { PromptTokens = -1 })).Message.ShouldContain("-1 prompt tokens");
        Should.Throw<ArgumentException>(() => Apply(new() { ExpectedOutputTokens = -1 })).Message.ShouldContain("-1 expected output tokens");
        Should.Throw<ArgumentException>(() => Apply(new() { MaxCostUsd = double.NaN })).Message.ShouldContain("cost limit is NaN");
    }

    [Fact]
    public void New_OptionsThatRefuseEverything_NameEveryProblem()
    {
        var message = Should.Throw<ArgumentException>(() => new Guardrails(new() { AllowedModels = Set(), MaxCostUsd = -1, CategoryPins = new Dictionary<string, IReadOnlySet<ModelId>> { ["medical"] = Set() } })).Message;

        message.ShouldContain("AllowedModels names no model");
        message.ShouldContain("pins 'medical' to no model");
        message.ShouldContain("MaxCostUsd is -1");
        Should.Throw<ArgumentException>(() => new Guardrails(new() { MaxCostUsd = double.PositiveInfinity })).Message.ShouldContain("a finite number");
        new Guardrails(new() { MaxCostUsd = 0 }).Apply(Two, default, [0, 1], null, _verdicts).ShouldBe(1); // only what is free
    }

    private int Apply(RouteNeeds needs) => new Guardrails().Apply(Two, needs, [1, 1], null, _verdicts);

    private static ModelProfile Model(string id) => new(new ModelId(id), new PricePerMillionTokens(1), new PricePerMillionTokens(2));

    private static FrozenSet<ModelId> Set(params string[] ids) => ids.Select(id => new ModelId(id)).ToFrozenSet();
}
