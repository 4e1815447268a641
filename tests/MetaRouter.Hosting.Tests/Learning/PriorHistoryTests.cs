using System.Text;
using MetaRouter.Core.Preferences;
using MetaRouter.Hosting.Learning;

namespace MetaRouter.Hosting.Tests.Learning;

public sealed class PriorHistoryTests
{
    [Fact]
    public void Write_ThenRead_IsTheSame()
    {
        var history = PriorHistory.Empty.With(Record(1, PriorResults.Promoted), isHeld: false).With(Record(2, PriorResults.RolledBack) with { ChampionEvidence = null, Users = null }, isHeld: true);

        var read = PriorHistory.Read(history.Write(), out var error)!;

        error.ShouldBeEmpty();
        read.IsHeld.ShouldBeTrue();
        read.Write().ShouldBe(history.Write());
        read.Records.Select(r => (r.Version, r.At, r.Result, r.Users, r.ChampionEvidence)).ShouldBe(history.Records.Select(r => (r.Version, r.At, r.Result, r.Users, r.ChampionEvidence)));
    }

    [Fact]
    public void With_ManyRecords_KeepsTheLast50_AndOfRefreshesInARowThatKeptOnlyTheLast()
    {
        var history = PriorHistory.Empty;
        for (var i = 1u; i <= 200; i++)
        {
            history = history.With(Record(i, i % 4 == 0 ? PriorResults.Promoted : PriorResults.Kept), isHeld: false);
        }

        history.Records.Count.ShouldBe(PriorHistory.Most);
        history.Records.Take(4).Select(r => r.Version).ShouldBe([200ul, 199, 196, 195]);
        history.Write().Length.ShouldBeLessThan(100_000);
    }

    [Theory]
    [InlineData("not json", "invalid")]
    [InlineData("""{"Version":2,"IsHeld":false,"Records":[]}""", "version 2")]
    [InlineData("""{"Version":1,"IsHeld":false,"Records":[{"Snapshot":"xyz","Result":"kept","Prior":{}}]}""", "xyz")]
    public void Read_WhatIsNoHistory_SaysWhy(string text, string expected)
    {
        PriorHistory.Read(Encoding.UTF8.GetBytes(text), out var error).ShouldBeNull();

        error.ShouldContain(expected);
    }

    private static PriorRecord Record(ulong version, string result) => new(version, DateTimeOffset.UnixEpoch.AddMinutes(version), result, 50, -0.5, -0.25, PopulationPrior.Default);
}
