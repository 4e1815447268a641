import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, onReach, type ApiError, type Candidate, type Ranking, type User, type UserLine } from "../api";
import { Density, DensityKey } from "../charts/density";
import { color, giveColors } from "../colors";
import { capital, exclusion, money, ms, percent, perThousand, utility, weight, worth } from "../format";
import { asApiError, useApi } from "../hooks";
import { useMay, useSession } from "../session";
import { Dial, nearest } from "../ui/dial";
import { Empty, Model, Panel, Pill, Problem, Say, Skeleton } from "../ui/parts";

const EXAMPLES = [
  "A chemist mixes 200 ml of 0.5 M HCl with 300 ml of 0.2 M NaOH. What is the pH of the mixture?",
  "Prove that the square root of 2 is irrational.",
  "Write a friendly two-line reminder that the meeting moved to 3 pm.",
  "What is the capital of Australia?",
];

export function PlaygroundView() {
  const [text, setText] = useState(EXAMPLES[0]!), [user, setUser] = useState("");
  const [asked, setAsked] = useState({ text: EXAMPLES[0]!, user: "" });
  const [ranking, setRanking] = useState<Ranking | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const users = useApi<{ users: UserLine[] }>("/v1/console/users?limit=50");
  useEffect(() => {
    const timer = setTimeout(() => setAsked({ text: text.trim(), user: user.trim() }), 450);
    return () => clearTimeout(timer);
  }, [text, user]);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const tell = () => setTurn((t) => t + 1);
    learned.addEventListener("choice", tell);
    return () => learned.removeEventListener("choice", tell);
  }, []);
  useEffect(() => onReach((reached) => reached && setTurn((t) => t + 1)), []);
  useEffect(() => {
    if (asked.text === "") {
      setRanking(null);
      return;
    }

    const stop = new AbortController();
    ask<Ranking>("/v1/console/playground", { method: "POST", body: { input: asked.text, ...(asked.user && { user: asked.user }) }, signal: stop.signal }).then(
      ({ body }) => { giveColors(body.candidates.map((c) => c.model)); setRanking(body); setError(null); },
      (e: unknown) => stop.signal.aborted || setError(asApiError(e)));
    return () => stop.abort();
  }, [asked, turn]);
  return (
    <>
      <div class="view-head"><div><h1>Playground</h1><p class="lead">Write a request, turn the dial, and see who would answer. Nothing is stored until you choose between two answers.</p></div></div>
      <div class="grid">
        <div class="span-5 stack">
          <Panel title="A request">
            <div class="field">
              <label for="play-text">Text</label>
              <textarea id="play-text" rows={5} maxLength={20_000} value={text} onInput={(e) => setText(e.currentTarget.value)} />
              <div class="chips" role="group" aria-label="Examples">{EXAMPLES.map((e, i) => <button key={e} type="button" class="chip" title={e} onClick={() => setText(e)}>{["chemistry", "proof", "note", "fact"][i]}</button>)}</div>
            </div>
            <div class="field">
              <label for="play-user">User</label>
              <input id="play-user" list="known-users" value={user} maxLength={256} placeholder="nobody: the population decides" onInput={(e) => setUser(e.currentTarget.value)} />
              <datalist id="known-users">{users.data?.users.filter((u) => u.name).map((u) => <option key={u.user} value={u.name!} />)}</datalist>
              <p class="note">Name somebody new, compare answers, and watch what is learned.</p>
            </div>
          </Panel>
          <Believed user={asked.user} ranking={ranking} />
        </div>
        <div class="span-7 stack">
          <Panel title="Who would answer" note="Utility is quality minus the weighted cost; what sets the models apart in quality counts in so far as the request's words are familiar">
            {error ? <Problem error={error} retry={() => setTurn(turn + 1)} /> : asked.text === "" ? <Empty title="Write a request" icon="playground">The ranking appears as you write.</Empty> : !ranking ? <Skeleton lines={8} /> : <Ranked ranking={ranking} />}
          </Panel>
          <TwoAnswers text={asked.text} user={asked.user} />
        </div>
      </div>
    </>
  );
}

/** Ticks when a choice was learned, so that what shows the belief asks again. */
const learned = new EventTarget();

function Ranked({ ranking }: { ranking: Ranking }) {
  const { candidates, cost_scale_usd: scale, lambda, dial } = ranking;
  const lambdas = useMemo(() => dial.map((d) => d.lambda), [dial]);
  const believed = lambda.acting ?? lambda.mean ?? 0.3;
  const [at, setAt] = useState(() => nearest(lambdas, believed));
  useEffect(() => setAt(nearest(lambdas, believed)), [believed, lambdas.join()]);
  const l = lambdas[at] ?? believed;
  // Divided by 1 + lambda, so that users are comparable; the order does not change.
  const worthOf = (c: Candidate) => ((c.quality ?? 0) - (l * (c.cost_usd ?? 0)) / (scale || 1)) / (1 + l);
  const allowed = candidates.filter((c) => !c.exclusion).map((c) => ({ c, u: worthOf(c) })).sort((a, b) => b.u - a.u);
  const order = new Map(allowed.map(({ c }, i) => [c.model, i]));
  const out = candidates.filter((c) => c.exclusion);
  const [best, worst] = [allowed[0]?.u ?? 0, allowed.at(-1)?.u ?? 0];
  const means = worth(l, scale);
  return (
    <>
      <Dial label="Weight of cost" positions={lambdas.length} at={at} onChange={setAt} said={`${weight(l)}: ${allowed[0]?.c.model ?? "nobody"} would answer`} marks={[{ at: nearest(lambdas, believed), text: "believed" }]} />
      <p class="dial-said"><b>λ {weight(l)}</b>{means && <span class="note"> somebody who {means}</span>}</p>
      <div class="rank-head" aria-hidden="true"><span /><span>Model</span><span>Utility</span><span>Quality</span><span>per 1,000</span></div>
      <ol class="ranking" style={{ height: `${allowed.length * 44}px` }}>
        {[...allowed].sort((a, b) => a.c.model.localeCompare(b.c.model)).map(({ c, u }) => (
          <li key={c.model} class={order.get(c.model) === 0 ? "first" : ""} style={{ transform: `translateY(${order.get(c.model)! * 44}px)` }} aria-posinset={order.get(c.model)! + 1} aria-setsize={allowed.length}>
            <span class="rank">{order.get(c.model)! + 1}</span>
            <Model name={c.model} />
            <span class="bar-cell"><span class="bar" aria-hidden="true"><span class="bar-fill" style={{ width: `${best > worst ? 4 + ((u - worst) / (best - worst)) * 96 : 100}%`, background: color(c.model) }} /></span><span class="bar-text">{utility(u)}</span></span>
            <span class="num">{percent(c.quality)}{c.quality_sd ? <span class="muted"> ± {Math.round(c.quality_sd * 100)}</span> : ""}</span>
            <span class="num">{perThousand(c.cost_usd)}</span>
          </li>
        ))}
      </ol>
      {out.length > 0 && <ul class="outs">{out.map((c) => <li key={c.model}><Model name={c.model} muted /><span class="note">{exclusion(c.exclusion!)}</span></li>)}</ul>}
      <Say>{allowed[0] ? `${allowed[0].c.model} would answer` : ""}</Say>
    </>
  );
}

function Believed({ user, ranking }: { user: string; ranking: Ranking | null }) {
  const state = useApi<User>(user ? `/v1/console/users/${encodeURIComponent(user)}` : null);
  const before = useRef<{ user: string; lambda: number | null } | null>(null);
  const [moved, setMoved] = useState<{ from: number; to: number } | null>(null);
  useEffect(() => {
    const tell = () => {
      before.current = state.data ? { user, lambda: state.data.lambda_mean } : null;
      state.reload();
    };
    learned.addEventListener("choice", tell);
    return () => learned.removeEventListener("choice", tell);
  }, [state.data, user]);
  useEffect(() => {
    if (before.current?.user === user && before.current.lambda != null && state.data?.lambda_mean != null && before.current.lambda !== state.data.lambda_mean) {
      setMoved({ from: before.current.lambda, to: state.data.lambda_mean });
    }
  }, [state.data]);
  useEffect(() => setMoved(null), [user]);
  const u = state.data;
  return (
    <Panel title="What is believed" note={u ? `From ${u.signals} signal${u.signals === 1 ? "" : "s"}` : undefined}>
      {!user ? <Empty title="Nobody named" icon="users">Name a user above to see what is believed of them{ranking?.lambda.mean != null ? `; the population's mean weight of cost is ${weight(ranking.lambda.mean)}` : ""}.</Empty>
        : state.error && !u ? <Problem error={state.error} retry={state.reload} />
        : !u ? <Skeleton height={200} /> : (
          <>
            <Density density={u.density} prior={u.prior} low={u.lambda_low} high={u.lambda_high} acting={u.acting_lambda} height={210} said={`Belief: mean ${weight(u.lambda_mean)}, 90 % between ${weight(u.lambda_low)} and ${weight(u.lambda_high)}.`} />
            <DensityKey />
            <p class="believed" role="status">{moved ? <><b>Moved: λ {weight(moved.from)} → {weight(moved.to)}</b>, towards {moved.to > moved.from ? "thrift" : "quality"}.<br /></> : null}{u.explanation && capital(u.explanation)}.</p>
          </>
        )}
    </Panel>
  );
}

interface Pair { receipt: string; sides: { model: string; side: "chosen" | "offered"; text: string; usd: number | null }[]; user: string; ms: number }

interface Completion { id: string; model: string; choices: { message: { content: string | null } }[] }

/** One request that two models answered, as the API gives it. */
type Compared = Completion & { router_comparison?: { offered: string; cost_usd?: number; answer: Completion } };

function TwoAnswers({ text, user }: { text: string; user: string }) {
  const session = useSession();
  const may = useMay("inference"), mayTell = useMay("feedback");
  const [pair, setPair] = useState<Pair | null>(null), [chosen, setChosen] = useState<string | null>(null);
  const [busy, setBusy] = useState(false), [error, setError] = useState<ApiError | null>(null), [told, setTold] = useState<string | null>(null);
  const compare = async () => {
    setBusy(true);
    setError(null);
    setPair(null);
    setChosen(null);
    setTold(null);
    try {
      const begun = performance.now();
      const { body, headers } = await ask<Compared>("/v1/chat/completions", { method: "POST", headers: { "x-router-compare": "always" }, body: { model: "auto", user, messages: [{ role: "user", content: text }] } });
      const other = body.router_comparison;
      if (!other) {
        setTold("Only one model answered this request, so there is nothing to compare.");
        return;
      }

      const [both, second] = [headers.get("x-router-cost-usd"), other.cost_usd ?? null];
      const words = (of: Completion) => of.choices[0]?.message.content ?? "";
      setPair({
        receipt: body.id,
        user,
        ms: performance.now() - begun,
        sides: [
          { model: body.model, side: "chosen", text: words(body), usd: both === null || second === null ? null : Number(both) - second },
          { model: other.offered, side: "offered", text: words(other.answer), usd: second },
        ],
      });
    } catch (e) {
      setError(asApiError(e));
    } finally {
      setBusy(false);
    }
  };
  const choose = async (side: "chosen" | "offered") => {
    setError(null);
    try {
      const { body } = await ask<{ counted: boolean }>("/v1/router/feedback", { method: "POST", body: { receipt: pair!.receipt, user: pair!.user, kind: "comparison", value: side } });
      setChosen(side);
      setTold(body.counted ? "Your choice was learned: see the belief move." : "This choice was known already.");
      learned.dispatchEvent(new Event("choice"));
    } catch (e) {
      setError(asApiError(e));
    }
  };
  const why = !may || !mayTell ? "Needs a key with the scopes inference and feedback." : user === "" ? "Name a user first: a choice teaches about somebody." : text === "" ? "Write a request first." : null;
  return (
    <Panel title="Two answers" note={session.simulated ? "The router picks the pair whose comparison teaches most. Answers are simulated here; the learning is real." : "The router picks the pair whose comparison teaches most. Both are called and paid for."}
      actions={<button type="button" class="button primary" disabled={busy || why !== null} onClick={() => void compare()}>{busy ? "Asking both…" : pair ? "Ask again" : "Ask for two answers"}</button>}>
      {why && !pair && <p class="note">{why}</p>}
      {error && <Problem error={error} />}
      {busy && <Skeleton lines={4} />}
      {pair && (
        <div class="two answers">
          {pair.sides.map((s) => (
            <article key={s.side} class={`answer ${chosen === s.side ? "picked" : chosen ? "left" : ""}`} aria-label={`Answer of ${s.model}`}>
              <header><Model name={s.model} />{session.simulated && <Pill tone="warn">simulated</Pill>}</header>
              <p class="answer-text">{s.text}</p>
              <footer><span class="note">{money(s.usd)}</span><button type="button" class="button" disabled={chosen !== null} aria-label={`Prefer the answer of ${s.model}`} onClick={() => void choose(s.side)}>{chosen === s.side ? "Preferred" : "I prefer this"}</button></footer>
            </article>
          ))}
        </div>
      )}
      {pair && <p class="note both">Both answered within {ms(pair.ms)}.</p>}
      {told && <p class="done" role="status">{told}</p>}
    </Panel>
  );
}
