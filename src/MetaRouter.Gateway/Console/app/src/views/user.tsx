import { useEffect, useState } from "preact/hooks";
import { ask, type ApiError, type User } from "../api";
import { Density, DensityKey } from "../charts/density";
import { History } from "../charts/history";
import { capital, count, percent, perThousand, reason, several, signal, weight, worth } from "../format";
import { asApiError, to, useApi } from "../hooks";
import { useMay } from "../session";
import { Icon } from "../ui/icons";
import { Ago, asCards, DataTable, Dialog, Empty, Field, Model, Panel, Problem, Say, Skeleton } from "../ui/parts";

export function UserView({ id }: { id: string }) {
  const user = useApi<User>(`/v1/console/users/${encodeURIComponent(id)}`, 10);
  const [asked, setAsked] = useState<"erase" | "reset" | "export" | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const admin = useMay("admin");
  const u = user.data;
  const raw = id.startsWith("~") ? (u?.name ?? null) : id;
  return (
    <>
      <div class="view-head">
        <div>
          <a class="back" href={to("users")}><Icon name="back" size={16} />Users</a>
          <h1 class="user-title">{raw ?? u?.user ?? id.slice(1)}</h1>
          {u?.explanation && <p class="lead">{capital(u.explanation)}.</p>}
        </div>
        <div class="buttons">
          <button type="button" class="button" onClick={() => setAsked("export")}>Export</button>
          <button type="button" class="button" disabled={!admin} title={admin ? undefined : "Needs a key with the scope admin"} onClick={() => setAsked("reset")}>Reset</button>
          <button type="button" class="button danger" disabled={!admin} title={admin ? undefined : "Needs a key with the scope admin"} onClick={() => setAsked("erase")}>Erase</button>
        </div>
      </div>
      {done && <p class="done" role="status"><Icon name="check" size={16} />{done}</p>}
      {user.error && !u ? <Problem error={user.error} retry={user.reload} /> : !u ? <div class="grid"><div class="panel span-7"><Skeleton height={260} /></div><div class="panel span-5"><Skeleton height={260} /></div></div> : <Drawn u={u} />}
      {asked && <Deed deed={asked} raw={raw} close={() => setAsked(null)} finish={(text) => { setAsked(null); setDone(text); user.reload(); }} />}
    </>
  );
}

function Drawn({ u }: { u: User }) {
  const [at, setAt] = useState<number | null>(null);
  const steps = u.history;
  const means = worth(u.lambda_mean, u.cost_scale_usd);
  return (
    <div class="grid">
      <Panel title="What is believed" class="span-7" note={<>From {several(u.signals, "signal")}{steps.length > u.signals && ` (of ${count(steps.length)} kept; the others say nothing of the trade-off)`}; with 90 % between λ {weight(u.lambda_low)} and {weight(u.lambda_high)}{means ? <>. The mean: {means}</> : null}.</>}
        table={() => <DataTable caption="Belief about the weight of cost" head={["Weight of cost λ", "Believed", "Newcomers"]} rows={u.density.map((m, i) => [weight(m.lambda), percent(m.probability, 2), percent(u.prior?.[i]?.probability, 2)])} />}>
        <Density density={u.density} prior={u.prior} low={u.lambda_low} high={u.lambda_high} acting={u.acting_lambda} height={250}
          said={`Belief about how much this user weighs cost: mean ${weight(u.lambda_mean)}, 90 % between ${weight(u.lambda_low)} and ${weight(u.lambda_high)}; the router decides at ${weight(u.acting_lambda)}.`} />
        <DensityKey />
      </Panel>
      {u.topics && u.topics.length > 0 && (
        <Panel title="By topic" class="span-5" note="Where this user wants more quality, or less, than elsewhere">
          <Topics topics={u.topics} />
        </Panel>
      )}
      <Panel title="How signals moved it" class={u.topics && u.topics.length > 0 ? "span-7" : "span-12 last"} note="The believed weight of cost after each signal; the band holds 90 %"
        {...(steps.length > 0 ? { table: () => <DataTable caption="The believed weight of cost after each signal" head={["Signal", "Weight of cost λ", "90 % from", "to"]} rows={steps.map((s) => [signal(s.kind, s.value), weight(s.lambda_mean), weight(s.lambda_low), weight(s.lambda_high)])} /> } : {})}>
        {steps.length === 0 ? <Empty title="No signal yet" icon="learning">A comparison, a thumb or a regenerate moves the belief; until then this user is treated as a newcomer.</Empty> : <><History steps={steps} at={at} onPoint={setAt} height={240} /><ul class="key" aria-hidden="true"><li><span class="key-dot thrift" />towards thrift</li><li><span class="key-dot quality" />towards quality</li><li><span class="key-interval" />90 % sure</li></ul></>}
      </Panel>
      <Panel title="In words" class="span-5" note="Newest first">
        {steps.length === 0 ? <Empty title="Nothing to tell yet" /> : (
          <ol class="steps" reversed tabIndex={0} aria-label="Signals, newest first">
            {[...steps.keys()].reverse().map((i) => {
              const s = steps[i]!, before = steps[i - 1];
              return (
                <li key={i} class={at === i ? "on" : ""} onMouseEnter={() => setAt(i)} onMouseLeave={() => setAt(null)}>
                  <span class="step-what">{capital(s.text ?? signal(s.kind, s.value))}</span>
                  <span class="step-move">{s.model && <Model name={s.model} />}{before ? `λ ${weight(before.lambda_mean)} → ${weight(s.lambda_mean)}` : `λ ${weight(s.lambda_mean)}`} · <Ago at={s.t} /></span>
                </li>
              );
            })}
          </ol>
        )}
      </Panel>
      <Panel title="Latest decisions" class="span-12">
        {u.decisions.length === 0 ? <Empty title="None in memory">Decisions of the last while are kept; older ones are in the decision log.</Empty> : (
          <div class="scroll-x" tabIndex={0} role="region" aria-label="Latest decisions, table">
            <table class="data" ref={(t) => asCards(t)}>
              <thead><tr><th scope="col">When</th><th scope="col">Model</th><th scope="col">Why</th><th scope="col" class="num">λ</th><th scope="col" class="num">Quality</th><th scope="col" class="num">per 1,000</th><th scope="col" class="num">Signals</th></tr></thead>
              <tbody>
                {u.decisions.slice(0, 20).map((d) => (
                  <tr key={d.id}>
                    <th scope="row"><a href={to("decisions", d.id)}><Ago at={d.t} /></a></th>
                    <td><Model name={d.served ?? d.model} /></td>
                    <td>{reason(d.reason)}</td>
                    <td class="num">{weight(d.lambda)}</td>
                    <td class="num">{percent(d.quality)}</td>
                    <td class="num">{perThousand(d.cost_usd)}</td>
                    <td class="num">{d.signals || ""}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
    </div>
  );
}

/** Only what is likelier than not: an offset within its own deviation is the same trade-off as elsewhere, as far as is known. */
function Topics({ topics: all }: { topics: NonNullable<User["topics"]> }) {
  const topics = all.filter((t) => Math.abs(t.offset) > t.sd);
  if (topics.length === 0) {
    return <p class="note">The same everywhere, as far as is known: on no topic has anything been said that tells of another trade-off.</p>;
  }

  const most = Math.max(...topics.map((t) => Math.abs(t.offset) + t.sd), 0.1);
  return (
    <table class="data topics">
      <thead><tr><th scope="col">Topic</th><th scope="col"><span class="ends"><span>less</span><span>more quality</span></span></th><th scope="col" class="num">Offset</th></tr></thead>
      <tbody>
        {topics.map((t) => (
          <tr key={t.name}>
            <th scope="row">{t.name}</th>
            <td><span class="diverging" aria-hidden="true"><span class={t.offset < 0 ? "less" : "more"} style={{ left: `${50 + Math.min(0, t.offset / most) * 50}%`, width: `${(Math.abs(t.offset) / most) * 50}%` }} /><span class="bar-sd" style={{ left: `${50 + ((t.offset - t.sd) / most) * 50}%`, width: `${(t.sd / most) * 100}%` }} /></span></td>
            <td class="num">{Math.abs(t.offset) < 0.005 ? "" : t.offset > 0 ? "+" : "−"}{Math.abs(t.offset).toFixed(2)} <span class="muted">± {t.sd.toFixed(2)}</span></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const DEEDS = {
  export: { title: "Export what is kept", text: "Everything kept of this user, as a file: the signals and what was believed. No prompt text is kept.", button: "Download", tone: "primary" },
  reset: { title: "Reset this user", text: "All that was learned of this user is forgotten, and they begin again as a newcomer. Feedback about earlier answers will not count.", button: "Reset", tone: "danger" },
  erase: { title: "Erase this user", text: "All that is kept of this user is deleted, and leaves the population's prior at its next refresh. This cannot be undone; the answer has a receipt that proves it.", button: "Erase", tone: "danger" },
} as const;

function Deed({ deed, raw, close, finish }: { deed: keyof typeof DEEDS; raw: string | null; close: () => void; finish: (text: string) => void }) {
  const [id, setId] = useState(raw ?? "");
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const told = DEEDS[deed];
  useEffect(() => setError(null), [id]);
  const act = async () => {
    setBusy(true);
    const path = `/v1/router/users/${encodeURIComponent(id)}`;
    try {
      if (deed === "export") {
        const { body } = await ask<object>(`${path}/export`);
        save(`user-${id.replace(/[^\w.-]+/g, "_")}.json`, JSON.stringify(body, null, 2));
        finish("The record was downloaded.");
      } else {
        const { body } = await ask<{ receipt: string }>(deed === "erase" ? path : `${path}/reset`, { method: deed === "erase" ? "DELETE" : "POST" });
        finish(`${deed === "erase" ? "Erased" : "Reset"}. Receipt: ${body.receipt}`);
      }
    } catch (e) {
      setError(asApiError(e));
      setBusy(false);
    }
  };
  return (
    <Dialog title={told.title} close={close}>
      <form onSubmit={(e) => { e.preventDefault(); void act(); }}>
        <p>{told.text}</p>
        {raw === null ? <Field label="The user's id, as your application sends it" value={id} required hint="The list knows users by pseudonym only; their id is not stored." onInput={(e) => setId(e.currentTarget.value)} /> : <p class="dialog-subject">{raw}</p>}
        {error && <Problem error={error} />}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={close}>Cancel</button>
          <button type="submit" class={`button ${told.tone}`} disabled={busy || id === ""}>{told.button}</button>
        </div>
      </form>
      <Say>{busy ? "Working" : ""}</Say>
    </Dialog>
  );
}

function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

