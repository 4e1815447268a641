import { Component } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get, onReach, type ApiError, type Overview, type Page, type Row } from "../api";
import { ago, full, ms, percent, perThousand, reason, REASON_NAMES, several, weight } from "../format";
import { asApiError, to, useApi, useLive, useMedia, useNow } from "../hooks";
import { Empty, Model, Pill, Problem, Skeleton } from "../ui/parts";

export const ok = (status: Row["status"]): boolean => status === null || status === undefined || status === "ok" || (typeof status === "number" && status < 400);

const COLUMNS: [string, string?][] = [["When"], ["Model"], ["Why"], ["User"], ["λ", "The weight of cost that decided: a small one pays for quality, a large one saves money"], ["Quality", "Predicted chance that the answer is right"], ["per 1,000", "What a thousand such requests cost"], ["Latency", "Until the answer was whole"], ["Signals", "Words of the user on this answer that counted"]];

/** As the style sheet has it. */
const TWO_LINES = "(max-width: 1060px)";
const FIRST = 200, MORE = 1000, OVERSCAN = 8;

/** A whole receipt opens its decision; less of one is still being typed. */
const RECEIPT = 224;

function find(receipt: string): void {
  if (receipt.length === RECEIPT) {
    location.hash = to("decisions", receipt);
  }
}

interface Filter { model: string; why: string; user: string }

/** The list as it was last filtered. In the address too, so that the way back from a decision, and a link that is passed on, find the same. */
export let listAddress = "#/decisions";

const isList = (): boolean => /^#\/decisions(\?|$)/.test(location.hash);

/** What the address filters by. */
function filtered(): Filter {
  const asked = new URLSearchParams(location.hash.split("?")[1] ?? "");
  return { model: asked.get("model") ?? "", why: asked.get("reason") ?? "", user: asked.get("user") ?? "" };
}

export function DecisionsView() {
  const [{ model, why, user }, setFilter] = useState(filtered);
  const [asked, setAsked] = useState(user);
  const set = (part: Partial<Filter>) => setFilter((f) => ({ ...f, ...part }));
  const overview = useApi<Overview>("/v1/console/overview?minutes=1440");
  const listed = overview.data?.models.map((m) => m.name) ?? [], names = model && !listed.includes(model) ? [model, ...listed] : listed;
  useEffect(() => {
    const timer = setTimeout(() => setAsked(user.trim()), 350);
    return () => clearTimeout(timer);
  }, [user]);
  useEffect(() => {
    const tell = () => {
      if (isList()) {
        setFilter(filtered());
        setAsked(filtered().user);
      }
    };
    addEventListener("hashchange", tell);
    return () => removeEventListener("hashchange", tell);
  }, []);
  const query = new URLSearchParams({ ...(model && { model }), ...(asked && { user: asked }), ...(why && { reason: why }) }).toString();
  useEffect(() => {
    if (isList()) {
      listAddress = query ? `#/decisions?${query}` : "#/decisions";
      history.replaceState(null, "", listAddress);
    }
  }, [query]);
  return (
    <>
      <div class="view-head"><div><h1>Decisions</h1><p class="lead">Every choice with its reason, newest first. Open one to see every candidate.</p></div></div>
      <form class="filters" role="search" aria-label="Filter decisions" onSubmit={(e) => { e.preventDefault(); setAsked(user.trim()); }}>
        <label>Model<select value={model} onChange={(e) => set({ model: e.currentTarget.value })}><option value="">all</option>{names.map((name) => <option key={name} value={name}>{name}</option>)}</select></label>
        <label>Reason<select value={why} onChange={(e) => set({ why: e.currentTarget.value })}><option value="">all</option>{REASON_NAMES.map((r) => <option key={r} value={r}>{reason(r)}</option>)}</select></label>
        <label>User<input type="search" value={user} placeholder="as your app names them" onInput={(e) => set({ user: e.currentTarget.value })} /></label>
        <label>Receipt<input type="search" placeholder="the id of an answer" onInput={(e) => find(e.currentTarget.value.trim())} /></label>
      </form>
      <List key={query} query={query} />
    </>
  );
}

function List({ query }: { query: string }) {
  const height = useMedia(TWO_LINES) ? 68 : 40;
  const rows = useRef<Row[]>([]);
  const cursor = useRef<string | null | undefined>(undefined); // undefined: not asked yet; null: the end
  const busy = useRef(false);
  const wanted = useRef(0);
  const [state, setState] = useState({ loaded: 0, total: 0, started: false, error: null as ApiError | null });
  const [span, setSpan] = useState<[number, number]>([0, 30]);
  const [focused, setFocused] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const now = useNow(10);
  const live = useLive(60, 1);
  const seenAtLoad = useRef(0);
  seenAtLoad.current ||= live.seen;

  const load = useCallback(async () => {
    if (busy.current) {
      return;
    }

    busy.current = true;
    try {
      // Pages follow one another by their cursor, so a jump down the list reads its way there.
      while (cursor.current !== null && rows.current.length <= wanted.current) {
        const search = new URLSearchParams(query);
        search.set("limit", String(cursor.current === undefined ? FIRST : MORE));
        if (cursor.current) {
          search.set("before", cursor.current);
        }

        const page = await get<Page>(`/v1/console/decisions?${search}`);
        for (const row of page.decisions) {
          rows.current.push(row);
        }

        cursor.current = page.next;
        setState((s) => ({ loaded: rows.current.length, total: page.next === null ? rows.current.length : Math.max(page.total, rows.current.length + 1, s.total), started: true, error: null }));
      }
    } catch (e) {
      setState((s) => ({ ...s, started: true, error: asApiError(e) }));
    } finally {
      busy.current = false;
    }
  }, [query]);

  const measure = useCallback(() => {
    const { scrollTop, clientHeight } = box.current!;
    const first = Math.max(0, Math.floor(scrollTop / height) - OVERSCAN), last = Math.ceil((scrollTop + clientHeight) / height) + OVERSCAN;
    setSpan((s) => (s[0] === first && s[1] === last ? s : [first, last]));
    if (last + 100 > wanted.current) {
      wanted.current = last + 100;
    }

    if (rows.current.length < last + 100 && cursor.current !== null) {
      void load();
    }
  }, [height, load]);
  useLayoutEffect(measure, [measure]);
  const goal = useRef<number | null>(null); // the row that has the focus as soon as it is drawn
  const focusGoal = () => {
    const row = goal.current === null ? null : box.current!.querySelector<HTMLElement>(`[data-at="${goal.current}"]`);
    if (row) {
      goal.current = null;
      row.focus({ preventScroll: true });
    }
  };
  useLayoutEffect(focusGoal);
  useEffect(() => {
    const watch = new ResizeObserver(measure);
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, [measure]);

  const failed = state.error !== null;
  useEffect(() => onReach((reached) => reached && failed && void load()), [failed, load]);

  const refresh = () => {
    rows.current = [];
    cursor.current = undefined;
    wanted.current = 0;
    seenAtLoad.current = live.seen;
    box.current!.scrollTop = 0;
    setFocused(0);
    measure();
    void load();
  };
  const go = (e: KeyboardEvent) => {
    const screen = Math.floor(box.current!.clientHeight / height) - 2;
    const at = Number((e.target as HTMLElement).dataset.at ?? focused);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + screen, PageUp: at - screen, Home: 0, End: state.loaded - 1 }[e.key];
    if (next === undefined || state.loaded === 0) {
      return;
    }

    e.preventDefault();
    const target = Math.max(0, Math.min(state.loaded - 1, next));
    setFocused(target);
    const b = box.current!;
    if (target * height < b.scrollTop) {
      b.scrollTop = target * height;
    } else if ((target + 2) * height > b.scrollTop + b.clientHeight) {
      b.scrollTop = (target + 2) * height - b.clientHeight;
    }

    measure();
    goal.current = target;
    focusGoal();
  };
  const total = state.total;
  const fresh = live.seen - seenAtLoad.current;
  const shown = Array.from({ length: Math.max(0, Math.min(span[1], total) - span[0]) }, (_, i) => span[0] + i);
  return (
    <section class="panel list-panel" aria-label="Decisions">
      <div class="list-head">
        <p class="note" role="status">{state.started ? several(total, "decision") : "Loading…"}</p>
        {fresh > 0 && query === "" && <button type="button" class="button small" onClick={refresh}>{fresh >= 1000 ? "1,000+" : fresh} new: show</button>}
      </div>
      {state.error && <Problem error={state.error} retry={() => void load()} />}
      <div role="table" aria-label="Decisions, newest first" aria-rowcount={total + 1} class="vlist">
        <div role="presentation" class="vbox" ref={box} onScroll={measure} onKeyDown={go}>
          <div role="row" class="vrow vhead" aria-rowindex={1}>
            {COLUMNS.map(([h, title], i) => <span role="columnheader" key={h} class={`c${i}`} title={title}>{h}</span>)}
          </div>
          <div role="rowgroup" class="vspace" style={{ height: `${total * height}px` }}>
            {shown.map((i) => {
              const row = rows.current[i];
              return row ? <Line key={i} row={row} i={i} height={height} now={now} on={i === focused || (focused < span[0] && i === span[0] + OVERSCAN) || (focused >= span[1] && i === span[0] + OVERSCAN)} /> : <div key={-1 - i} role="presentation" class="vrow bone-row" style={{ transform: `translateY(${i * height}px)`, height: `${height}px` }}><span class="bone" /></div>;
            })}
          </div>
          {!state.started && <Skeleton lines={8} />}
          {state.started && total === 0 && !state.error && <Empty title={query ? "No decision fits this filter" : "No decisions since the gateway started"}>{query ? "Loosen the filter, or clear it." : <p>Send a request to <code>{location.origin}/v1</code> with <code>model: "auto"</code>, or try one in the <a href={to("playground")}>playground</a>.</p>}</Empty>}
        </div>
      </div>
    </section>
  );
}

interface LineProps { row: Row; i: number; height: number; now: number; on: boolean }

/** A row that stays as it is costs nothing while others come into sight. */
class Line extends Component<LineProps> {
  override shouldComponentUpdate(next: LineProps): boolean {
    const { row, i, height, now, on } = this.props;
    return next.row !== row || next.i !== i || next.height !== height || next.now !== now || next.on !== on;
  }

  override render() {
    return <Cells {...this.props} />;
  }
}

function Cells({ row, i, height, now, on }: LineProps) {
  return (
    <div role="row" class="vrow" aria-rowindex={i + 2} style={{ transform: `translateY(${i * height}px)`, height: `${height}px` }}>
      <span role="cell" class="c0"><a href={to("decisions", row.id)} data-at={i} tabIndex={on ? 0 : -1} title={full(row.t)}>{ago(row.t, now)}</a></span>
      <span role="cell" class="c1"><Model name={row.served ?? row.model} />{!ok(row.status) && <Pill tone="bad" title={String(row.status)}>failed</Pill>}</span>
      <span role="cell" class="c2">{reason(row.reason)}</span>
      <span role="cell" class="c3">{row.name ?? row.user ?? "–"}</span>
      <span role="cell" class="c4">{weight(row.lambda)}</span>
      <span role="cell" class="c5">{percent(row.quality)}</span>
      <span role="cell" class="c6">{perThousand(row.cost_usd)}</span>
      <span role="cell" class="c7">{ms(row.latency_ms)}</span>
      <span role="cell" class="c8">{row.signals > 0 ? <Pill tone="accent">{row.signals}</Pill> : ""}</span>
    </div>
  );
}
