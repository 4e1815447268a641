import { useMemo, useState } from "preact/hooks";
import { ask, type ApiError, type Learning, type Mass, type SnapshotLine } from "../api";
import { Density, DensityKey, MiniDensity } from "../charts/density";
import { Chart, type Line } from "../charts/time";
import { count, full, several, significant, weight } from "../format";
import { asApiError, useApi } from "../hooks";
import { useMay } from "../session";
import { ink } from "../theme";
import { Icon } from "../ui/icons";
import { Ago, asCards, DataTable, Dialog, Empty, Panel, Pill, Problem, Skeleton } from "../ui/parts";

const RESULTS: Record<string, { tone: "good" | "plain" | "warn" | "accent"; label: string; text: string }> = {
  promoted: { tone: "good", label: "promoted", text: "It predicted held-out recent signals no worse than the one serving, and took its place" },
  kept: { tone: "plain", label: "kept the champion", text: "The challenger predicted held-out recent signals worse, and was put aside" },
  rolled_back: { tone: "warn", label: "rolled back", text: "Somebody went back to it" },
  withdrawn: { tone: "warn", label: "too few left", text: "Too few were left of those who taught the one serving; the shipped one took its place" },
  restored: { tone: "accent", label: "restored", text: "Read from the store when the gateway started" },
  shipped: { tone: "plain", label: "shipped", text: "What the program came with" },
};

export function LearningView() {
  const learning = useApi<Learning>("/v1/console/learning", 15);
  const operator = useMay("operator");
  const [asked, setAsked] = useState<SnapshotLine | null>(null);
  const [picked, setPicked] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const l = learning.data;
  const act = async (path: string, body: unknown, text: string) => {
    setBusy(true);
    setError(null);
    try {
      const answer = (await ask<Learning>(path, { method: "POST", body })).body;
      learning.set(answer);
      setDone(text.replace("$", answer.serving.version));
      setAsked(null);
    } catch (e) {
      setError(asApiError(e));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <div class="view-head">
        <div><h1>Learning</h1><p class="lead">What the population has taught so far: each snapshot, whether it earned its place, and what newcomers gain from it.</p></div>
        <button type="button" class="button" disabled={!operator || busy} title={operator ? "Learn from the changed users now, instead of at the next turn" : "Needs a key with the scope operator"} onClick={() => void act("/v1/console/learning/refresh", {}, "Refreshed: $ serves.")}>{busy && !asked ? "Learning…" : "Refresh now"}</button>
      </div>
      {done && <p class="done" role="status"><Icon name="check" size={16} />{done}</p>}
      {error && !asked && <Problem error={error} />}
      {learning.error && !l ? <Problem error={learning.error} retry={learning.reload} /> : !l ? <div class="panel"><Skeleton height={300} /></div> : <Drawn l={l} picked={picked} pick={setPicked} operator={operator} roll={(s) => { setError(null); setAsked(s); }} />}
      {asked && (
        <Dialog title="Roll back" close={() => setAsked(null)}>
          <p>Snapshot <code>{asked.version}</code> of {full(asked.t)} will decide for everyone, on every gateway of this store within seconds. Users keep all that was learned of them.</p>
          {error && <Problem error={error} />}
          <div class="dialog-buttons">
            <button type="button" class="button" onClick={() => setAsked(null)}>Cancel</button>
            <button type="button" class="button primary" disabled={busy} onClick={() => void act("/v1/console/learning/rollback", { version: asked.version }, "Rolled back: $ serves.")}>Roll back</button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Drawn({ l, picked, pick, operator, roll }: { l: Learning; picked: string | null; pick: (version: string | null) => void; operator: boolean; roll: (s: SnapshotLine) => void }) {
  const serving = l.snapshots.find((s) => s.serving) ?? null;
  const other = l.snapshots.find((s) => s.version === picked && !s.serving) ?? l.snapshots.find((s) => s !== serving && s.density && s.version !== serving?.version) ?? null;
  return (
    <div class="grid">
      <Panel title="Where newcomers begin" class="span-7" note={other ? <>The serving snapshot's prior, beside that of <code>{other.version.slice(0, 8)}</code>. Point at another row below to compare.</> : "The serving snapshot's prior: the belief about somebody nobody knows yet"}
        table={() => <DataTable caption="Prior over the weight of cost" head={["Weight of cost λ", "Serving"]} rows={(serving?.density ?? []).map((m) => [significant(m.lambda, 2), significant(m.probability)])} />}>
        {serving?.density ? <><Density density={serving.density} prior={other?.density ?? null} height={240} name="serving" said={`Prior of the serving snapshot ${l.serving.version} over the weight of cost.`} /><DensityKey name="serving" prior={other ? other.version.slice(0, 8) : null} interval={false} /></> : <Empty title="This snapshot keeps no picture of its prior" />}
      </Panel>
      <Panel title="What newcomers lose" class="span-5" note="How much less a user's first, second, third … request is worth to them than if they were known: in points of quality, on average"
        table={() => <DataTable caption="Loss by request" head={["Request", "Points lost", "Users"]} rows={(l.newcomers ?? []).map((n) => [String(n.request), significant(n.regret * 100), count(n.n)])} />}>
        {l.newcomers && l.newcomers.length > 1 ? <Newcomers points={l.newcomers} /> : <Empty title="Not enough newcomers yet" icon="learning">The curve needs users whose first requests were judged. It falls as the first signals come in.</Empty>}
      </Panel>
      <Panel title="Snapshots" class="span-12" note={<>Serving <code>{l.serving.version}</code>{l.serving.users != null && <>, learned from {several(l.serving.users, "user")}</>}{l.serving.held && <>, <b>held</b> since somebody rolled back: it stays until a refresh is asked for</>}. Champion is the prior that served, challenger the one just learned: how well each foretold recent feedback that neither was fitted to, as mean log likelihood. Nearer to zero is better.</>}>
        {l.snapshots.length === 0 ? <Empty title="No snapshot yet" /> : (
          <div class="scroll-x" tabIndex={0} role="region" aria-label="Snapshots, table">
            <table class="data snapshots" ref={(t) => asCards(t)}>
              <thead><tr><th scope="col">Snapshot</th><th scope="col">When</th><th scope="col">Outcome</th><th scope="col">What changed for newcomers</th><th scope="col" class="num">Users</th><th scope="col" class="num">Champion</th><th scope="col" class="num">Challenger</th><th scope="col" class="num" title="Above zero the challenger foretold better">Difference</th><th scope="col" title="What is believed of somebody new, over the weight of cost">Prior</th><th scope="col"><span class="sr">Action</span></th></tr></thead>
              <tbody>
                {l.snapshots.map((s, i) => {
                  const r = RESULTS[s.result] ?? { tone: "plain" as const, label: s.result, text: "" };
                  const gain = s.champion_evidence != null && s.challenger_evidence != null ? s.challenger_evidence - s.champion_evidence : null;
                  return (
                    <tr key={`${s.version}${i}`} class={s.serving ? "chosen" : ""} onMouseEnter={() => pick(s.version)} onFocusCapture={() => pick(s.version)}>
                      <th scope="row"><code>{s.version}</code>{s.serving && <Pill tone="good">serving</Pill>}</th>
                      <td><Ago at={s.t} /></td>
                      <td><Pill tone={r.tone} title={r.text}>{r.label}</Pill></td>
                      <td class="changed">{changed(s, l.snapshots.slice(i + 1).find((b) => b.result !== "kept"))}</td>
                      <td class="num">{count(s.users)}</td>
                      <td class="num">{evidence(s.champion_evidence)}</td>
                      <td class="num">{evidence(s.challenger_evidence)}</td>
                      <td class={`num ${gain === null ? "" : gain >= 0 ? "good-text" : "bad-text"}`}>{gain === null ? "–" : `${gain >= 0 ? "+" : "−"}${significant(Math.abs(gain), 2)}`}</td>
                      <td>{s.density && <MiniDensity density={s.density} serving={s.serving} />}</td>
                      <td class="num">{!s.serving && s.result !== "kept" && <button type="button" class="button small" disabled={!operator} title={operator ? undefined : "Needs a key with the scope operator"} aria-label={`Roll back to ${s.version}`} onClick={() => roll(s)}>Roll back</button>}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
    </div>
  );
}

/** Against the prior in service before it: where the middle of the belief about somebody new moved, and whether it is surer. */
function changed(s: SnapshotLine, before: SnapshotLine | undefined): string {
  if (!s.density || !before?.density) {
    return before ? "–" : "the first one known here";
  }

  const [now, then] = [quantiles(s.density), quantiles(before.density)];
  const ratio = now.middle / then.middle, spread = now.spread / then.spread;
  const moved = Math.abs(Math.log(ratio)) < 0.02 ? `λ stays about ${weight(now.middle)}` : `λ ${weight(then.middle)} → ${weight(now.middle)}, towards ${ratio > 1 ? "thrift" : "quality"}`;
  return `${moved}; ${Math.abs(spread - 1) < 0.02 ? "as sure as before" : spread < 1 ? "surer" : "less sure"}`;
}

/** The median, and the width of the middle 90 % in ln λ. */
function quantiles(density: Mass[]): { middle: number; spread: number } {
  const total = density.reduce((sum, m) => sum + m.probability, 0);
  const at = (share: number): number => {
    let below = 0;
    for (let i = 0; i < density.length; i++) {
      const next = below + density[i]!.probability / total;
      if (next >= share) {
        const from = Math.log(density[Math.max(0, i - 1)]!.lambda), to = Math.log(density[i]!.lambda);
        return to - (to - from) * (1 - (share - below) / Math.max(next - below, 1e-12));
      }

      below = next;
    }

    return Math.log(density.at(-1)!.lambda);
  };
  return { middle: Math.exp(at(0.5)), spread: at(0.95) - at(0.05) };
}

const evidence = (v: number | null): string => (v === null || v === undefined ? "–" : `${v < 0 ? "−" : ""}${Math.abs(v).toFixed(4)}`);

function Newcomers({ points }: { points: NonNullable<Learning["newcomers"]> }) {
  const x = useMemo(() => points.map((p) => p.request), [points]);
  const lines = useMemo((): Line[] => [{ label: "lost", values: points.map((p) => p.regret), ink: () => ink("--accent"), shape: "area" }], [points]);
  return <Chart x={x} lines={lines} unit={(v) => `${significant(v * 100, 2)} pt`} height={240} plain xUnit="Request" xLabel="a user's request, counted from the first" said={`The loss goes from ${significant(points[0]!.regret * 100)} points at the first request to ${significant(points.at(-1)!.regret * 100)} at request ${points.at(-1)!.request}.`} />;
}
