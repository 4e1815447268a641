using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Limits;

namespace MetaRouter.Gateway.Tests;

public sealed class TenantRulesTests
{
    private static readonly ModelId Dear = new("dear"), Cheap = new("cheap");

    private readonly TenantRules _rules = new(new TenantOptions { Name = "t", DearModels = { Dear.Value }, DearShare = 0.5 });

    [Fact]
    public void DearShare_ReachedExactly_IsNotExceeded()
    {
        _rules.IsDearShareUsedUp().ShouldBeTrue("half of one request is none");
        _rules.Count(Cheap);
        _rules.IsDearShareUsedUp().ShouldBeFalse();
        _rules.Count(Dear);
        _rules.IsDearShareUsedUp().ShouldBeTrue();
    }

    /// <summary>Else a year of cheap requests would let a year of dear ones follow.</summary>
    [Fact]
    public void DearShare_IsOfTheLastRequests_NotOfAllThereEverWere()
    {
        for (var i = 0; i < 20_000; i++)
        {
            _rules.Count(Cheap);
        }

        var inARow = 0;
        while (!_rules.IsDearShareUsedUp())
        {
            _rules.Count(Dear);
            inARow++;
        }

        inARow.ShouldBeLessThan(2_500);
    }

    [Fact]
    public void DearShare_OfRequestsThatGoOnAndOn_StaysWhatItIs()
    {
        var dear = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var isDear = !_rules.IsDearShareUsedUp();
            dear += isDear ? 1 : 0;
            _rules.Count(isDear ? Dear : Cheap);
        }

        dear.ShouldBeInRange(9_900, 10_100);
    }
}
