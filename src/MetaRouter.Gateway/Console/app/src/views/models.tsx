import { useEffect, useState } from "preact/hooks";
import { ApiError, ask, type CatalogEntry, type ModelLines } from "../api";
import { giveColors } from "../colors";
import { count, money, ms, percent, several } from "../format";
import { asApiError, useApi } from "../hooks";
import { MODES, modeOf, useMay, useSession } from "../session";
import { Icon } from "../ui/icons";
import { asCards, Dialog, Empty, Field, Health, Model, Panel, Problem, Segmented, Skeleton } from "../ui/parts";

interface Catalog { models: CatalogEntry[]; etag: string }

export function ModelsView({ onMode }: { onMode: (mode: string) => void }) {
  const session = useSession();
  const operator = useMay("operator");
  const lines = useApi<ModelLines>("/v1/console/models", 5);
  const [catalog, setCatalog] = useState<Catalog | null>(null);
  const [editing, setEditing] = useState<{ id: string | null } | null>(null), [removing, setRemoving] = useState<CatalogEntry | null>(null);
  const [error, setError] = useState<ApiError | null>(null), [done, setDone] = useState<string | null>(null), [busy, setBusy] = useState(false);
  const etag = lines.data?.etag, open = editing !== null || removing !== null;
  useEffect(() => {
    // What is being edited stays as it was opened: saved over what somebody else changed meanwhile, it would take that back unseen.
    if (etag !== undefined && etag !== catalog?.etag && !open) {
      // The catalog in its own form is what is changed and sent back; the lines above carry figures besides. A form that was opened before the answer is drawn anew with it.
      ask<{ models: CatalogEntry[] }>("/v1/router/models").then(({ body, headers }) => { giveColors(body.models.map((m) => m.id)); setCatalog({ models: body.models, etag: headers.get("etag") ?? etag }); }, (e: unknown) => setError(asApiError(e)));
    }
  }, [etag, open]);
  useEffect(() => {
    // The button that was pressed is gone with its row: who moves by keyboard goes on from the page, not from its very beginning.
    if (done && document.activeElement === document.body) {
      document.getElementById("main")?.focus({ preventScroll: true });
    }
  }, [lines.data?.models.length]);
  const put = async (models: CatalogEntry[], text: string) => {
    setBusy(true);
    setError(null);
    try {
      const { body, headers } = await ask<{ models: CatalogEntry[] }>("/v1/router/models", { method: "PUT", body: { models }, headers: { "If-Match": catalog!.etag } });
      giveColors(body.models.map((m) => m.id));
      setCatalog({ models: body.models, etag: headers.get("etag") ?? "" });
      setDone(text);
      setEditing(null);
      setRemoving(null);
      lines.reload();
    } catch (e) {
      const failed = asApiError(e);
      setError(failed.status === 412 ? new ApiError(412, failed.code, "The catalog was changed while this was open. Cancel, look at it again, and make your change to what is there now.") : failed);
      lines.reload();
    } finally {
      setBusy(false);
    }
  };
  const mode = async (wanted: "apply" | "observe" | "static") => {
    setError(null);
    try {
      onMode((await ask<{ mode: string }>("/v1/router/mode", { method: "PUT", body: { mode: wanted } })).body.mode);
      setDone(`Mode: ${MODES[wanted].label}. ${MODES[wanted].text}`);
    } catch (e) {
      setError(asApiError(e));
    }
  };
  const needs = operator ? undefined : "Needs a key with the scope operator";
  const rows = lines.data?.models ?? [];
  const entry = (id: string) => catalog?.models.find((m) => m.id === id) ?? null;
  return (
    <>
      <div class="view-head">
        <div><h1>Models</h1><p class="lead">Who can answer, at which price, and how they do. Changes reach every gateway of the store within a second; nothing is trained again.</p></div>
        <button type="button" class="button primary" disabled={!operator || !catalog} title={needs} onClick={() => { setError(null); setEditing({ id: null }); }}><Icon name="plus" size={16} />Add a model</button>
      </div>
      <div class="panel mode-panel">
        <div><h2>Mode</h2><p class="note">{MODES[modeOf(session.mode)].text}</p></div>
        <Segmented label="Mode" options={(["apply", "observe", "static"] as const).map((m) => ({ value: m, label: MODES[m].label, title: MODES[m].text }))} value={modeOf(session.mode)} onChange={(m) => void mode(m)} disabled={!operator} />
      </div>
      {done && <p class="done" role="status"><Icon name="check" size={16} />{done}</p>}
      {error && !editing && !removing && <Problem error={error} />}
      <Panel title="Catalog" note={`${several(rows.length, "model")}; prices in USD per million tokens`}>
        {lines.error && rows.length === 0 ? <Problem error={lines.error} retry={lines.reload} /> : !lines.data ? <Skeleton lines={8} /> : rows.length === 0 ? <Empty title="The catalog is empty" icon="models">Add a model that an upstream serves.</Empty> : (
          <div class="scroll-x" tabIndex={0} role="region" aria-label="Catalog, table">
            <table class="data catalog" ref={(t) => asCards(t)}>
              <thead><tr><th scope="col">Model</th><th scope="col">State</th><th scope="col" class="num">Input</th><th scope="col" class="num">Output</th><th scope="col" class="num" title="Of prompt tokens that the upstream has cached">Cached</th><th scope="col" class="num" title="Tokens of a prompt and its answer at most">Context</th><th scope="col">Upstream</th><th scope="col" class="num">Requests</th><th scope="col" class="num">Errors</th><th scope="col" class="num" title="Half of its answers came within this">Median</th><th scope="col"><span class="sr">Actions</span></th></tr></thead>
              <tbody>
                {rows.map((m) => (
                  <tr key={m.id} class={m.enabled === false ? "excluded" : ""}>
                    <th scope="row"><Model name={m.id} />{!!entry(m.id)?.aliases?.length && <div class="note" title="Clients may ask for it by these names">also {entry(m.id)!.aliases!.join(", ")}</div>}{m.by_price && <div class="note" title="The snapshot knows neither it nor a sibling of it, so the dearer is taken for the better. Edit it and name a sibling, or add graded answers: metarouter models add.">judged by price alone</div>}{isFar(m.length_ratio) && <div class="note" title={`Its costs are predicted wrongly by as much. Edit it: times predicted, ${short(Math.min(100, Math.max(0.01, (m.output_scale ?? 1) * m.length_ratio!)))}.`}>answers {short(m.length_ratio!)} × as long as predicted</div>}</th>
                    <td><Health circuit={m.circuit} enabled={m.enabled !== false} /></td>
                    <td class="num">{money(m.input_price_usd_per_million)}</td>
                    <td class="num">{money(m.output_price_usd_per_million)}{m.output_scale !== undefined && m.output_scale !== 1 && <div class="note" title="Its answers are expected to be so many times as long as predicted">× {short(m.output_scale)}</div>}</td>
                    <td class="num">{money(m.cached_input_price_usd_per_million)}{entry(m.id)?.cache_write_price_usd_per_million !== undefined && <div class="note" title="Of prompt tokens that the upstream puts into its cache">written {money(entry(m.id)!.cache_write_price_usd_per_million)}</div>}</td>
                    <td class="num">{m.context_window ? `${count(Math.round(m.context_window / 1000))} k` : "–"}</td>
                    <td class="upstream" title={m.upstream ?? undefined}>{m.upstream ?? (session.simulated ? "simulated" : "–")}</td>
                    <td class="num">{count(m.requests)}</td>
                    <td class="num">{m.errors ? <span class="bad-text" title={m.requests ? percent(m.errors / m.requests, 1) : undefined}>{count(m.errors)}</span> : count(m.errors)}</td>
                    <td class="num">{ms(m.p50_ms)}</td>
                    <td class="num row-actions">
                      <button type="button" class="button small" disabled={!operator || !entry(m.id)} title={needs} aria-label={`Edit ${m.id}`} onClick={() => { setError(null); setEditing(m); }}>Edit</button>
                      <button type="button" class="button small danger" disabled={!operator || !entry(m.id)} title={needs} aria-label={`Remove ${m.id}`} onClick={() => { setError(null); setRemoving(entry(m.id)); }}>Remove</button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
      {editing && <Edit key={catalog!.etag} entry={editing.id === null ? null : entry(editing.id)} listed={catalog!.models} known={lines.data?.known ?? []} measured={lines.data?.models.find((m) => m.id === editing.id)?.p50_ms ?? null} error={error} busy={busy} close={() => setEditing(null)}
        keep={(m) => void put(editing.id === null ? [...catalog!.models, m] : catalog!.models.map((o) => (o.id === m.id ? m : o)), editing.id === null ? `${m.id} was added.` : `${m.id} was changed.`)} />}
      {removing && (
        <Dialog title="Remove a model" close={() => setRemoving(null)}>
          <p class="dialog-subject"><Model name={removing.id} /></p>
          <p>It answers nothing any more, on every gateway of this store. What is believed of users is untouched, and the model can be added again.</p>
          {error && <Problem error={error} />}
          <div class="dialog-buttons">
            <button type="button" class="button" onClick={() => setRemoving(null)}>Cancel</button>
            <button type="button" class="button danger" disabled={busy} onClick={() => void put(catalog!.models.filter((m) => m.id !== removing.id), `${removing.id} was removed.`)}>Remove</button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Edit({ entry, listed, known, measured, error, busy, close, keep }: { entry: CatalogEntry | null; listed: CatalogEntry[]; known: string[]; measured: number | null; error: ApiError | null; busy: boolean; close: () => void; keep: (entry: CatalogEntry) => void }) {
  const text = (v: number | undefined) => (v === undefined ? "" : String(v));
  const [f, setF] = useState({ id: entry?.id ?? "", input: text(entry?.input_price_usd_per_million), output: text(entry?.output_price_usd_per_million), cached: text(entry?.cached_input_price_usd_per_million), written: text(entry?.cache_write_price_usd_per_million), aliases: (entry?.aliases ?? []).join(", "), scale: text(entry?.output_scale), seconds: text(entry?.latency_seconds), window: text(entry?.context_window ?? 128_000), sibling: entry?.sibling ?? "", enabled: entry?.enabled !== false });
  const set = (part: Partial<typeof f>) => setF({ ...f, ...part });
  const twice = entry === null && listed.some((m) => m.id === f.id.trim());
  const price = { type: "number", min: 0, step: "any", inputMode: "decimal" } as const;
  return (
    <Dialog title={entry ? "Edit a model" : "Add a model"} close={close}>
      <form onSubmit={(e) => {
        e.preventDefault();
        const number = (text: string) => (text === "" ? undefined : Number(text));
        const aliases = f.aliases.split(",").map((a) => a.trim()).filter((a) => a);
        keep({
          ...entry, id: f.id.trim(), input_price_usd_per_million: Number(f.input), output_price_usd_per_million: Number(f.output), cached_input_price_usd_per_million: number(f.cached), cache_write_price_usd_per_million: number(f.written),
          output_scale: number(f.scale), latency_seconds: number(f.seconds), context_window: Number(f.window), sibling: f.sibling || undefined, aliases: aliases.length ? aliases : undefined, enabled: f.enabled ? undefined : false,
        });
      }}>
        {entry ? <p class="dialog-subject"><Model name={entry.id} /></p> : <Field label="Model id" value={f.id} required maxLength={128} hint="As its upstream calls it; an upstream of the configuration must serve it." error={twice ? "The catalog has a model of this id: edit that one." : null} onInput={(e) => set({ id: e.currentTarget.value })} />}
        <div class="two">
          <Field label="Input price" {...price} required value={f.input} hint="USD per million tokens" onInput={(e) => set({ input: e.currentTarget.value })} />
          <Field label="Output price" {...price} required value={f.output} hint="USD per million tokens" onInput={(e) => set({ output: e.currentTarget.value })} />
          <Field label="Cached input price" {...price} value={f.cached} hint="empty: as input" onInput={(e) => set({ cached: e.currentTarget.value })} />
          <Field label="Cache write price" {...price} value={f.written} hint="empty: as input" onInput={(e) => set({ written: e.currentTarget.value })} />
          <Field label="Answers, times predicted" type="number" min={0.01} max={100} step="any" inputMode="decimal" value={f.scale} hint="of tokens; empty: 1" onInput={(e) => set({ scale: e.currentTarget.value })} />
          <Field label="Seconds for an answer" type="number" min={0} max={1e6} step="any" inputMode="decimal" value={f.seconds} hint={measured === null ? "empty: as the snapshot predicts" : `measured: ${ms(measured)} (median)`} onInput={(e) => set({ seconds: e.currentTarget.value })} />
          <Field label="Context window" type="number" min={1} step={1} required value={f.window} hint="tokens" onInput={(e) => set({ window: e.currentTarget.value })} />
        </div>
        <div class="field">
          <label for="sibling">Sibling</label>
          <select id="sibling" value={f.sibling} onChange={(e) => set({ sibling: e.currentTarget.value })}><option value="">none: judged by its price</option><Siblings label="Known to the snapshot" names={known} but={f.id} /><Siblings label="Others of the catalog" names={listed.map((m) => m.id).filter((id) => !known.includes(id))} but={f.id} /></select>
          <p class="note">A model the snapshot has never seen is judged as this one until signals say more.</p>
        </div>
        <Field label="Aliases" value={f.aliases} hint="Further names that clients ask for it by, with commas between them" onInput={(e) => set({ aliases: e.currentTarget.value })} />
        <label class="check"><input type="checkbox" checked={f.enabled} onChange={(e) => set({ enabled: e.currentTarget.checked })} />May answer</label>
        {error && <Problem error={error} />}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={close}>Cancel</button>
          <button type="submit" class="button primary" disabled={busy || twice}>{entry ? "Save" : "Add"}</button>
        </div>
      </form>
    </Dialog>
  );
}

/** Beyond what a prediction may be off before the gateway warns. */
const isFar = (ratio: number | null) => ratio !== null && (ratio > 2 || ratio < 0.5);

const short = (value: number) => String(Number(value.toPrecision(2)));

function Siblings({ label, names, but }: { label: string; names: string[]; but: string }) {
  const others = names.filter((n) => n !== but);
  return others.length === 0 ? null : <optgroup label={label}>{others.map((n) => <option key={n} value={n}>{n}</option>)}</optgroup>;
}
