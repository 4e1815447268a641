import { useEffect, useMemo, useState } from "preact/hooks";
import type { Overview, Saving, TenantLine } from "../api";
import { Chart, type Line } from "../charts/time";
import { Spark } from "../charts/spark";
import { giveColors, inkOf } from "../colors";
import { ago, clock, count, duration, money, ms, NONE, percent, perThousand, reason, several, significant } from "../format";
import { to, useApi, useLive, useNow } from "../hooks";
import { MODES, modeOf, useMay, useSession } from "../session";
import { ink } from "../theme";
import { Ago, asCards, Bar, DataTable, Empty, Health, Model, Panel, Pill, Problem, Segmented, Skeleton } from "../ui/parts";

const RANGES = [{ value: 5, label: "5 min" }, { value: 15, label: "15 min" }, { value: 60, label: "1 h" }, { value: 360, label: "6 h" }, { value: 1440, label: "24 h" }];

/** Charts begin with the first request: an hour of nothing before a minute of traffic would hide it. */
function fromFirst(o: Overview): Overview {
  const first = o.series.findIndex((b) => b.requests > 0);
  return first <= 0 ? o : { ...o, series: o.series.slice(Math.max(0, Math.min(first - 1, o.series.length - 12))) };
}

export function OverviewView() {
  const session = useSession();
  const operator = useMay("operator");
  const [minutes, setMinutes] = useState(session.demo ? 5 : 60);
  const first = useApi<Overview>(`/v1/console/overview?minutes=${minutes}`);
  const live = useLive(minutes);
  // An event of another length than the chosen one is not this picture's.
  const streamed = live.overview && Math.abs((Date.parse(live.overview.now) - Date.parse(live.overview.since)) / 60_000 - minutes) <= minutes * 0.2 + 1 ? live.overview : null;
  const raw = streamed ?? first.data;
  const o = useMemo(() => raw && fromFirst(raw), [raw]);
  useEffect(() => {
    if (live.overview && !streamed) {
      first.reload();
    }
  }, [live.overview]);

  return (
    <>
      <div class="view-head">
        <div>
          <h1>Overview</h1>
          <p class="lead"><span class={`live ${live.live ? "on" : ""}`} aria-hidden="true" />{live.live ? "Live" : "Connecting…"}{session.demo ? " · a demo: users and answers are simulated, decisions and learning are real" : session.simulated ? " · answers are simulated, decisions and learning are real" : ""}</p>
        </div>
        <Segmented label="Time shown" options={RANGES} value={minutes} onChange={setMinutes} />
      </div>
      {first.error && !o ? <Problem error={first.error} retry={first.reload} /> : !o ? <Skeletons /> : <Figures o={o} live={live} minutes={minutes} />}
      {operator && <Tenants minutes={minutes} />}
    </>
  );
}

function Skeletons() {
  return (
    <>
      <div class="tiles">{[1, 2, 3, 4, 5, 6].map((i) => <div key={i} class="tile"><Skeleton lines={2} /></div>)}</div>
      <div class="grid"><div class="panel span-7"><Skeleton height={270} /></div><div class="panel span-5"><Skeleton height={270} /></div></div>
    </>
  );
}

function Figures({ o, live, minutes }: { o: Overview; live: ReturnType<typeof useLive>; minutes: number }) {
  const { totals } = o;
  useMemo(() => giveColors(o.models.map((m) => m.name)), [o.models]);
  const strongest = totals.always_strongest, single = totals.best_single;
  const saved = strongest?.usd != null ? strongest.usd - totals.spent_usd : null;
  // The last span has only begun: drawn, each line would end in a fall.
  const values = (of: (b: Overview["series"][number]) => number | null) => o.series.slice(0, -1).map(of);
  if (totals.requests === 0) {
    return (
      <div class="panel">
        <Empty title={`No requests in the last ${duration(minutes * 60)}`}>
          <p>Point an OpenAI client at <code>{location.origin}/v1</code> with <code>model: "auto"</code>, or try one in the <a href={to("playground")}>playground</a>. Figures appear here as they come, and begin anew when the gateway is started.</p>
        </Empty>
      </div>
    );
  }

  return (
    <>
      <div class="tiles">
        <Tile label="Requests" value={count(totals.requests)} sub={several(totals.users, "user")} spark={values((b) => b.requests)} />
        <Tile label="Spent" value={money(totals.spent_usd)} sub={`${perThousand(totals.spent_usd / totals.requests)} per 1,000${totals.predicted_usd ? `, ${percent(totals.predicted_usd / totals.spent_usd)} predicted` : ""}`} spark={values((b) => b.spent_usd)} />
        <Tile label={isLoss(strongest) ? "Spent more" : "Saved"} tone={isLoss(strongest) ? "bad" : "good"} value={money(saved && (isLoss(strongest) ? -saved : Math.max(saved, 0)))} sub={strongest?.usd != null ? <span title={SAVED}>{against(strongest.saved_share)} always <b>{strongest.model}</b>{sure(strongest)}</span> : "nothing to compare with yet"} spark={values((b) => (b.always_strongest_usd === null ? null : b.always_strongest_usd - b.spent_usd))} />
        <Tile label="Quality, predicted" title={totals.quality?.method} value={percent(totals.quality?.value, 1)} sub={totals.quality?.low != null ? `95 % sure: ${percent(totals.quality.low, 1)} to ${percent(totals.quality.high, 1)}` : "no interval yet"} spark={values((b) => b.quality)} />
        <Tile label="Latency" value={ms(totals.latency_ms?.p50)} sub={`median; 99 of 100 within ${ms(totals.latency_ms?.p99)}`} spark={values((b) => b.p50_ms)} />
        <Tile label="Errors" tone={totals.errors >= totals.requests * 0.01 ? "bad" : "accent"} value={count(totals.errors)} sub={`${percent(totals.errors / totals.requests, 1)} · ${several(totals.fallbacks, "fail-over")}`} spark={values((b) => b.errors)} />
      </div>
      <div class="grid">
        <Money o={o} />
        <Who o={o} />
        <Latency o={o} />
        <Quality o={o} />
        <SnapshotPanel o={o} single={single} />
        <Panel title="Models" class="span-7" note="Who answered in this time">
          <div class="scroll-x" tabIndex={0} role="region" aria-label="Models, table">
            <table class="data narrow" ref={(t) => asCards(t)}>
              <thead><tr><th scope="col">Model</th><th scope="col">Share</th><th scope="col" class="num">Requests</th><th scope="col" class="num">Spent</th><th scope="col" class="num">Quality</th><th scope="col" class="num" title="Half of its answers came within this">Median</th><th scope="col">State</th></tr></thead>
              <tbody>
                {[...o.models].sort((a, b) => b.requests - a.requests).map((m) => (
                  <tr key={m.name}>
                    <th scope="row"><Model name={m.name} /></th>
                    <td><Bar share={m.share} of={`var(--accent)`} text={percent(m.share)} /></td>
                    <td class="num">{count(m.requests)}</td>
                    <td class="num">{money(m.spent_usd)}</td>
                    <td class="num">{percent(m.quality)}</td>
                    <td class="num">{ms(m.p50_ms)}</td>
                    <td><Health circuit={m.circuit} enabled={m.enabled} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Panel>
        <Panel title="Latest decisions" class="span-5" note={live.seen > 0 ? `${count(live.seen)} since this page was opened` : "As they fall"} actions={<a class="button small" href={to("decisions")}>All</a>}>
          {live.decisions.length === 0 ? <Empty title="Waiting for the next decision">They appear here as requests come.</Empty> : (
            <ul class="feed">
              {live.decisions.slice(0, 9).map((d) => (
                <li key={d.id}>
                  <a href={to("decisions", d.id)}>
                    <Model name={d.served ?? d.model} />
                    <span class="feed-why">{reason(d.reason)}{d.user ? ` · ${d.name ?? d.user}` : ""}</span>
                    <span class="feed-when"><Ago at={d.t} /></span>
                  </a>
                </li>
              ))}
            </ul>
          )}
        </Panel>
      </div>
    </>
  );
}

/** Not by a share that is shown as none, as where the strongest itself answers and the last digit of a sum is off. */
const isLoss = (s: Saving | null): boolean => s?.saved_share != null && s.saved_share < -0.0005;
const against = (saved: number | null): string => (saved === null ? "against" : saved >= 0 ? `${percent(saved)} less than` : saved > -1 ? `${percent(-saved)} more than` : `${significant(1 - saved, 2)} times as much as`);
const than = (saved: number): string => (saved >= 0 ? `${percent(saved)} less spent` : saved > -1 ? `${percent(-saved)} more spent` : `${significant(1 - saved, 2)} times as much spent`);

function Tile({ label, value, sub, spark, title, tone = "accent" }: { label: string; title?: string | undefined; value: string; sub: preact.ComponentChildren; spark: (number | null)[]; tone?: string }) {
  return (
    <section class={`tile ${tone}`} aria-label={label} title={title}>
      <h2 class="tile-label">{label}</h2>
      <p class="tile-value">{value}</p>
      <p class="tile-sub">{sub}</p>
      <Spark values={spark} tone={tone} />
    </section>
  );
}

const SAVED = "95 % normal interval of the sum over requests; what the other model would have cost is predicted, and corrected on each request by what the served one's prediction fell short";

/** What was saved, with its interval; less than nothing is told as more spent. */
const sure = (s: Saving): string => (s.saved_low != null && s.saved_high != null ? `; 95 % sure${difference(s)}` : "");
const difference = ({ saved_low: low, saved_high: high }: Saving): string =>
  low == null || high == null ? "" : high <= 0 ? `: ${money(-high)} to ${money(-low)} more` : low >= 0 ? `: ${money(low)} to ${money(high)}` : `: from ${money(-low)} more to ${money(high)} less`;
const atQuality = (quality: number | null | undefined): string => (quality != null ? ` at ${percent(quality)} predicted quality` : "");
const seconds = (o: Overview): number[] => o.series.map((b) => Date.parse(b.t) / 1000);
const at = (o: Overview, t: string): string => clock(Date.parse(t)).slice(0, o.bucket_seconds < 60 ? 8 : 5);

/** Who governs all tenants sees what each spends; where there is one, the page is about it. */
function Tenants({ minutes }: { minutes: number }) {
  const { data } = useApi<{ tenants: TenantLine[] }>(`/v1/console/tenants?minutes=${minutes}`, 5);
  return data === null || data.tenants.length < 2 ? null : (
    <Panel title="Tenants" note="What each spent in this time, seen by who may operate; all else on this page is of one tenant">
      <div class="scroll-x" tabIndex={0} role="region" aria-label="Tenants, table">
        <table class="data" ref={(t) => asCards(t)}>
          <thead><tr><th scope="col">Tenant</th><th scope="col" class="num">Requests</th><th scope="col" class="num">Errors</th><th scope="col" class="num">Spent</th><th scope="col" class="num" title="Against what the strongest model alone would have cost">Saved</th><th scope="col" class="num">Quality</th><th scope="col" class="num" title="Half of its answers came within this">Median</th><th scope="col">Budget</th></tr></thead>
          <tbody>
            {data.tenants.map((t) => (
              <tr key={t.tenant}>
                <th scope="row">{t.tenant}</th>
                <td class="num">{count(t.requests)}</td>
                <td class="num">{count(t.errors)}</td>
                <td class="num">{money(t.spent_usd)}</td>
                <td class="num">{t.always_strongest?.saved_share != null ? percent(t.always_strongest.saved_share) : NONE}</td>
                <td class="num">{percent(t.quality)}</td>
                <td class="num">{ms(t.latency_ms.p50)}</td>
                <td>{t.budget ? <Bar share={Math.min(1, t.budget.spent_usd / t.budget.budget_usd)} of={`var(--accent)`} text={`${money(t.budget.spent_usd)} of ${money(t.budget.budget_usd)} a ${t.budget.period}`} /> : "none"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Money({ o }: { o: Overview }) {
  const lines = useMemo((): Line[] => {
    let [spent, dear] = [0, 0];
    const [a, b] = [o.series.map((s) => (spent += s.spent_usd)), o.series.map((s) => (dear += s.always_strongest_usd ?? 0))];
    return [
      { label: "spent", values: a, ink: () => ink("--accent"), shape: "area" },
      { label: "always the strongest", values: b, ink: () => ink("--muted"), dash: true },
    ];
  }, [o]);
  const x = useMemo(() => seconds(o), [o]);
  const strongest = o.totals.always_strongest, single = o.totals.best_single;
  return (
    <Panel title="Money" class="span-7" note={strongest?.usd != null ? <>Spent <b>{money(o.totals.spent_usd)}</b>{atQuality(o.totals.quality?.value)}. Always {strongest.model}: <b>{money(strongest.usd)}</b>{atQuality(strongest.quality)}.{single?.usd != null && <> The best single model, {single.model}: <b>{money(single.usd)}</b>{atQuality(single.quality)}.</>}{o.totals.comparisons_usd ? <> Second answers, shown to learn from the choice, took <b>{money(o.totals.comparisons_usd)}</b> of what was spent.</> : null}</> : "Summed over the time shown"}
      table={() => <DataTable caption="Money summed over time" head={["Time", "Spent", "Always the strongest"]} rows={o.series.map((b, i) => [at(o, b.t), money(lines[0]!.values[i]), money(lines[1]!.values[i])])} />}>
      <Chart x={x} lines={lines} unit={money} band={[1, 0, () => ink("--saved")]} height={236} said={`Money over time: ${money(o.totals.spent_usd)} spent; always the strongest model would have cost ${money(strongest?.usd)}.`} />
      <ul class="key" aria-hidden="true"><li><span class="key-line" />spent</li><li><span class="key-dash" />always the strongest</li>{!isLoss(strongest) && <li><span class="key-saved" />saved</li>}</ul>
    </Panel>
  );
}

/** What is counted by span, without the last, which has only begun and would look like a fall; alone it is drawn. */
const whole = (o: Overview): Overview => (o.series.slice(0, -1).some((b) => b.requests > 0) ? { ...o, series: o.series.slice(0, -1) } : o);

function Who({ o: all }: { o: Overview }) {
  const o = useMemo(() => whole(all), [all]);
  const names = useMemo(() => o.models.filter((m) => m.requests > 0).map((m) => m.name), [o]);
  const lines = useMemo((): Line[] => names.map((name) => ({ label: name, values: o.series.map((b) => b.models[name] ?? 0), ink: () => inkOf(name), shape: "bars" })), [o, names]);
  const x = useMemo(() => seconds(o), [o]);
  return (
    <Panel title="Who answers" class="span-5" note={`Requests in each ${duration(o.bucket_seconds)}`}
      table={() => <DataTable caption="Requests over time by model" head={["Time", ...names]} rows={o.series.map((b) => [at(o, b.t), ...names.map((n) => count(b.models[n] ?? 0))])} />}>
      <Chart x={x} lines={lines} unit={(v) => (Number.isInteger(v) ? count(v) : "")} height={212} said={`Requests over time by model. ${o.models.filter((m) => m.requests > 0).map((m) => `${m.name} ${percent(m.share)}`).join(", ")}.`} />
      <ul class="key models">{[...o.models].filter((m) => m.requests > 0).sort((a, b) => b.requests - a.requests).map((m) => <li key={m.name}><Model name={m.name} /></li>)}</ul>
    </Panel>
  );
}

function Latency({ o }: { o: Overview }) {
  const lines = useMemo((): Line[] => [
    { label: "median", values: o.series.map((b) => b.p50_ms), ink: () => ink("--accent") },
    { label: "99 of 100 within", values: o.series.map((b) => b.p99_ms), ink: () => ink("--m1") },
  ], [o]);
  const x = useMemo(() => seconds(o), [o]);
  return (
    <Panel title="Latency" class="span-4" note="Until the answer was whole" table={() => <DataTable caption="Latency over time" head={["Time", "Median", "99 of 100 within"]} rows={o.series.map((b) => [at(o, b.t), ms(b.p50_ms), ms(b.p99_ms)])} />}>
      <Chart x={x} lines={lines} unit={ms} height={160} said={`Latency over time: half within ${ms(o.totals.latency_ms?.p50)}, 99 of 100 within ${ms(o.totals.latency_ms?.p99)}.`} />
      <ul class="key" aria-hidden="true"><li><span class="key-line" />median</li><li><span class="key-line second" />99 of 100 within</li></ul>
    </Panel>
  );
}

function Quality({ o }: { o: Overview }) {
  const lines = useMemo((): Line[] => [{ label: "predicted quality", values: o.series.map((b) => b.quality), ink: () => ink("--m2") }], [o]);
  const x = useMemo(() => seconds(o), [o]);
  return (
    <Panel title="Quality" class="span-4" note="Chance that the answer is right, as predicted" table={() => <DataTable caption="Predicted quality over time" head={["Time", "Quality"]} rows={o.series.map((b) => [at(o, b.t), percent(b.quality, 1)])} />}>
      <Chart x={x} lines={lines} unit={(v) => percent(v)} height={160} said={`Predicted quality over time, ${percent(o.totals.quality?.value, 1)} on the whole.`} />
      <ul class="key" aria-hidden="true"><li><span class="key-line third" />predicted quality</li></ul>
    </Panel>
  );
}

function SnapshotPanel({ o, single }: { o: Overview; single: Overview["totals"]["best_single"] }) {
  const now = useNow();
  const s = o.snapshot;
  return (
    <Panel title="What decides" class="span-4" actions={<a class="button small" href={to("learning")}>History</a>}>
      <dl class="facts">
        <div><dt>Snapshot</dt><dd><code>{s?.version ?? NONE}</code></dd></div>
        <div><dt>Serving for</dt><dd>{s?.age_seconds != null ? duration(s.age_seconds) : s?.since ? ago(s.since, now) : "since the start"}</dd></div>
        <div><dt>Learned from</dt><dd>{s?.users != null ? several(s.users, "user") : "as shipped"}</dd></div>
        <div><dt>Mode</dt><dd><Pill tone={modeOf(o.mode) === "apply" ? "good" : "warn"}>{MODES[modeOf(o.mode)].label}</Pill></dd></div>
        <div><dt>Best single model</dt><dd>{single?.model ? <Model name={single.model} /> : NONE}</dd></div>
        <div><dt>Against&nbsp;it</dt><dd title={single ? SAVED : undefined}>{single?.saved_share != null ? `${than(single.saved_share)}${difference(single)}` : NONE}</dd></div>
      </dl>
    </Panel>
  );
}
