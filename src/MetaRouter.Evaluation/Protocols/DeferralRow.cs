using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>A row of the RouteLLM table.</summary>
/// <param name="Benchmark">What it was tested on.</param>
/// <param name="Quoted">True: a published figure, not measured here; else null.</param>
/// <param name="Cpt50">Per cent of calls that go to the strong model when half the gap is recovered.</param>
/// <param name="Cpt80">The same for 80 % of the gap.</param>
/// <param name="Lead">Null for the first row and for published ones, whose requests are not known.</param>
public sealed record DeferralRow(string Router, string Benchmark, bool? Quoted, double Apgr, Interval? ApgrCi, double Cpt50, Interval? Cpt50Ci, double Cpt80, Interval? Cpt80Ci, DeferralLead? Lead = null);

/// <summary>By how much the first row of the table is ahead of this one, on the same rows and draws in every replicate; above 0: ahead.</summary>
/// <param name="Apgr">Its APGR less this one's.</param>
public sealed record DeferralLead(double Apgr, Interval ApgrCi);
