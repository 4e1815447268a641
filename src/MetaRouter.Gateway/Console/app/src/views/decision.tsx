import type { Candidate, Decision } from "../api";
import { color } from "../colors";
import { exclusion, full, ms, NONE, percent, perThousand, reason, signal, utility, weight } from "../format";
import { to, useApi } from "../hooks";
import { Icon } from "../ui/icons";
import { Ago, asCards, Bar, Empty, Model, Panel, Pill, Problem, Skeleton } from "../ui/parts";
import { listAddress, ok } from "./decisions";

export function DecisionView({ id }: { id: string }) {
  const { data: d, error, reload } = useApi<Decision>(`/v1/console/decisions/${encodeURIComponent(id)}`);
  return (
    <>
      <div class="view-head">
        <div>
          <a class="back" href={listAddress}><Icon name="back" size={16} />Decisions</a>
          <h1>A decision</h1>
          <p class="lead mono">{id}</p>
        </div>
      </div>
      {error ? <Problem error={error} retry={reload} /> : !d ? <div class="panel"><Skeleton height={300} /></div> : <Drawn d={d} />}
    </>
  );
}

function Drawn({ d }: { d: Decision }) {
  const served = d.served ?? d.model;
  const candidates = [...d.candidates].sort((a, b) => Number(a.exclusion !== null) - Number(b.exclusion !== null) || (b.utility ?? -Infinity) - (a.utility ?? -Infinity));
  return (
    <div class="grid">
      <Panel class="span-12 verdict">
        <div class="verdict-top">
          <Model name={d.model} />
          <Pill tone="accent">{reason(d.reason)}</Pill>
          {d.served && served !== d.model && <Pill tone="warn">answered by {served}</Pill>}
          {!ok(d.status) && <Pill tone="bad">failed: {String(d.status)}</Pill>}
        </div>
        {d.explanation && <p class="explanation">{d.explanation}</p>}
        <dl class="facts wide">
          <div><dt>When</dt><dd title={full(d.t)}><Ago at={d.t} /></dd></div>
          <div><dt>User</dt><dd>{d.user ? <a href={to("users", d.name ?? `~${d.user}`)}>{d.name ?? d.user}</a> : "nobody named"}</dd></div>
          <div><dt>Weight of cost λ</dt><dd>{weight(d.lambda)}</dd></div>
          <div><dt>Chance of the choice</dt><dd title="The chance with which this model was chosen (its propensity), by which other policies can be judged on the decision log">{percent(d.propensity, 1)}</dd></div>
          <div><dt>Cost</dt><dd>{d.cost_usd == null ? NONE : `${perThousand(d.cost_usd)} per 1,000`}{d.status !== null && d.candidates.some((c) => c.offered) ? ", both answers" : ""}</dd></div>
          <div><dt>Latency</dt><dd>{ms(d.latency_ms)}</dd></div>
          <div><dt>Snapshot</dt><dd><code>{d.snapshot ?? NONE}</code></dd></div>
        </dl>
      </Panel>
      <Panel title="Candidates" class="span-12" note={`What was predicted of each model for this request${candidates.some((c) => c.quality_sd) ? "; the whisker is one standard deviation, most of which is how hard the request is and shared by all" : ""}. Utility, and the words above, trust what sets the models apart the less, the less familiar the request's words are; the chance is that of being chosen.`}>
        <Candidates candidates={candidates} chosen={d.model} />
      </Panel>
      <Panel title="Feedback" class="span-12">
        {d.feedback.length === 0 ? <Empty title="No signal about this answer yet">It arrives with <code>POST /v1/router/feedback</code> and this decision's receipt.</Empty> : (
          <ul class="signals">
            {d.feedback.map((f, i) => <li key={i}><span>{signal(f.kind, f.value)}</span><Pill tone={f.counted ? "good" : "plain"}>{f.counted ? "counted" : "not counted"}</Pill><Ago at={f.t} /></li>)}
          </ul>
        )}
      </Panel>
    </div>
  );
}

/** Each measure as a bar on its own scale, side by side. */
export function Candidates({ candidates, chosen }: { candidates: Candidate[]; chosen: string | null }) {
  const dearest = Math.max(...candidates.map((c) => c.cost_usd ?? 0), 1e-12), slowest = Math.max(...candidates.map((c) => c.latency_ms ?? 0), 1e-9);
  const timed = candidates.some((c) => c.latency_ms != null);
  const utilities = candidates.flatMap((c) => (c.utility == null || c.exclusion ? [] : [c.utility]));
  const low = Math.min(...utilities, 0), high = Math.max(...utilities, low + 1e-6);
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label="Candidates, table">
      <table class="data candidates" ref={(t) => asCards(t)}>
        <thead><tr><th scope="col">Model</th><th scope="col">Utility</th><th scope="col">Quality</th><th scope="col">Cost per 1,000</th>{timed && <th scope="col">Latency</th>}<th scope="col">Chance</th></tr></thead>
        <tbody>
          {candidates.map((c) => (
            <tr key={c.model} class={c.exclusion ? "excluded" : c.model === chosen ? "chosen" : ""}>
              <th scope="row"><Model name={c.model} muted={c.exclusion !== null} />{c.model === chosen && <Pill tone="good">chosen</Pill>}{c.offered && <Pill tone="accent">offered</Pill>}</th>
              {c.exclusion ? <td colSpan={timed ? 5 : 4} class="why-not">out: {exclusion(c.exclusion)}</td> : (
                <>
                  <td><Bar share={c.utility == null ? 0 : (c.utility - low) / (high - low)} of={color(c.model)} text={utility(c.utility)} /></td>
                  <td><Bar share={c.quality} sd={c.quality_sd} of={color(c.model)} text={percent(c.quality)} /></td>
                  <td><Bar share={(c.cost_usd ?? 0) / dearest} of="var(--cost)" text={perThousand(c.cost_usd)} /></td>
                  {timed && <td><Bar share={(c.latency_ms ?? 0) / slowest} of="var(--cost)" text={ms(c.latency_ms)} /></td>}
                  <td><Bar share={c.propensity} of="var(--accent)" text={percent(c.propensity)} /></td>
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
