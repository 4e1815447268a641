import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api";
import { color } from "../colors";
import { ago, full } from "../format";
import { useNow } from "../hooks";
import { Icon, type IconName } from "./icons";

export function Panel({ title, note, actions, children, class: kind = "", table }: { title?: string; note?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; class?: string; table?: () => ComponentChildren }) {
  const id = useId();
  const [asTable, setAsTable] = useState(false);
  return (
    <section class={`panel ${kind}`} aria-labelledby={title ? id : undefined}>
      {title && (
        <header class="panel-head">
          <div>
            <h2 id={id}>{title}</h2>
            {note && <p class="note">{note}</p>}
          </div>
          <div class="panel-actions">
            {actions}
            {table && (
              <button type="button" class="icon-button" aria-pressed={asTable} aria-label={`${title} as a table`} title={asTable ? "Show as a chart" : "Show as a table"} onClick={() => setAsTable(!asTable)}>
                <Icon name={asTable ? "chart" : "table"} size={16} />
              </button>
            )}
          </div>
        </header>
      )}
      {asTable ? <div class="scroll-x table-instead" tabIndex={0} role="region" aria-label={`${title}, table`}>{table!()}</div> : children}
    </section>
  );
}

/** The same figures for those who cannot see the chart, or would rather read. */
export function DataTable({ head, rows, caption }: { head: string[]; rows: ComponentChildren[][]; caption: string }) {
  return (
    <table class="data">
      <caption class="sr">{caption}</caption>
      <thead>
        <tr>{head.map((h, i) => <th key={h} scope="col" class={i > 0 ? "num" : ""}>{h}</th>)}</tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <tr key={i}>{row.map((cell, j) => (j === 0 ? <th key={j} scope="row">{cell}</th> : <td key={j} class="num">{cell}</td>))}</tr>
        ))}
      </tbody>
    </table>
  );
}

export function Model({ name, muted = false }: { name: string; muted?: boolean }) {
  return (
    <span class={`model ${muted ? "muted" : ""}`} title={name}>
      <span class="dot" style={{ background: color(name) }} aria-hidden="true" />
      <span class="model-name">{name}</span>
    </span>
  );
}

export function Pill({ tone = "plain", children, title }: { tone?: "plain" | "good" | "warn" | "bad" | "accent"; children: ComponentChildren; title?: string }) {
  return <span class={`pill ${tone}`} title={title}>{children}</span>;
}

export function Health({ circuit, enabled = true }: { circuit: string | null; enabled?: boolean }) {
  if (!enabled) {
    return <Pill title="Switched off in the catalog">off</Pill>;
  }

  switch (circuit) {
    case "open":
      return <Pill tone="bad" title="Its upstream failed repeatedly; it rests for some seconds, others answer">resting</Pill>;
    case "half_open":
      return <Pill tone="warn" title="After a rest, one call tries whether its upstream answers again">trying</Pill>;
    default:
      return <Pill tone="good" title="Its upstream answers">healthy</Pill>;
  }
}

export function Skeleton({ lines = 3, height }: { lines?: number; height?: number }) {
  return (
    <div class="skeleton" role="status">
      <span class="sr">Loading</span>
      {height ? <span class="bone" style={{ height: `${height}px` }} /> : Array.from({ length: lines }, (_, i) => <span key={i} class="bone" style={{ width: `${95 - ((i * 17) % 40)}%` }} />)}
    </div>
  );
}

export function Empty({ title, children, icon = "none" }: { title: string; children?: ComponentChildren; icon?: IconName }) {
  return (
    <div class="empty">
      <Icon name={icon} size={28} />
      <p class="empty-title">{title}</p>
      {children && <div class="empty-text">{children}</div>}
    </div>
  );
}

/** What went wrong and what to do about it. */
export function Problem({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <Icon name="warn" size={20} />
      <div>
        <p class="problem-title">{titleOf(error)}</p>
        <p>{error.message}</p>
        {error.retryAfter !== null && <p>It asks to be tried again in {error.retryAfter} s.</p>}
        {retry && <button type="button" class="button small" onClick={retry}>Try again</button>}
      </div>
    </div>
  );
}

function titleOf(error: ApiError): string {
  switch (error.status) {
    case 0:
      return "The gateway cannot be reached";
    case 401:
      return "The key is not accepted";
    case 403:
      return "This key may not do that";
    case 404:
      return "Not found";
    case 410:
      return "Gone";
    case 412:
      return "Somebody changed it meanwhile";
    case 429:
      return "Too many requests";
    case 503:
      return "Not available now";
    default:
      return error.status >= 500 ? "The gateway failed" : "Not accepted";
  }
}

/** One of a few; arrow keys move, as among radio buttons. */
export function Segmented<T extends string | number>({ label, options, value, onChange, disabled = false }: { label: string; options: { value: T; label: string; title?: string }[]; value: T; onChange: (value: T) => void; disabled?: boolean }) {
  const group = useRef<HTMLDivElement>(null);
  const move = (e: KeyboardEvent) => {
    const step = e.key === "ArrowRight" || e.key === "ArrowDown" ? 1 : e.key === "ArrowLeft" || e.key === "ArrowUp" ? -1 : 0;
    if (step === 0) {
      return;
    }

    e.preventDefault();
    const next = (options.findIndex((o) => o.value === value) + step + options.length) % options.length;
    onChange(options[next]!.value);
    group.current?.querySelectorAll("button")[next]?.focus();
  };
  const any = options.some((o) => o.value === value);
  return (
    <div ref={group} class="segmented" role="radiogroup" aria-label={label} aria-disabled={disabled} onKeyDown={move}>
      {options.map((o, i) => (
        <button key={o.value} type="button" role="radio" aria-checked={o.value === value} tabIndex={o.value === value || (!any && i === 0) ? 0 : -1} disabled={disabled} title={o.title} onClick={() => onChange(o.value)}>{o.label}</button>
      ))}
    </div>
  );
}

export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow();
  return at ? <time dateTime={at} title={full(at)}>{ago(at, now)}</time> : <>–</>;
}

export function Dialog({ title, children, close }: { title: string; children: ComponentChildren; close: () => void }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current!;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      (before as HTMLElement | null)?.focus?.();
    };
  }, []);
  return (
    <dialog ref={element} aria-labelledby={id} onCancel={(e) => { e.preventDefault(); close(); }} onClick={(e) => { if (e.target === element.current) { close(); } }}>
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

export function Field({ label, hint, error, ...input }: { label: string; hint?: string; error?: string | null } & JSX.IntrinsicElements["input"]) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} aria-describedby={hint || error ? `${id}-hint` : undefined} aria-invalid={!!error} {...input} />
      {(hint || error) && <p id={`${id}-hint`} class={error ? "field-error" : "note"}>{error || hint}</p>}
    </div>
  );
}

/** For a table's ref: where the columns do not fit, each row is a card whose figures bear their column's name. Roles are said, since a row that is laid out as a card would lose its own. */
export function asCards(table: HTMLTableElement | null): void {
  if (!table?.tHead) {
    return;
  }

  fit(table);
  if (!fitted.has(table)) {
    fitted.add(table);
    new ResizeObserver(() => fit(table)).observe(table.parentElement!);
  }

  table.role = "table";
  const names = [...table.tHead.rows[0]!.cells].map((c) => c.textContent ?? "");
  for (const part of [table.tHead, ...table.tBodies]) {
    part.role = "rowgroup";
    for (const row of part.rows) {
      row.role = "row";
      [...row.cells].forEach((cell, i) => {
        cell.role = part === table.tHead ? "columnheader" : cell.scope === "row" ? "rowheader" : "cell";
        if (part !== table.tHead && cell.colSpan === 1) {
          cell.dataset.of = names[i] ?? "";
        }
      });
    }
  }
}

const fitted = new WeakSet<HTMLTableElement>();

function fit(table: HTMLTableElement): void {
  const box = table.parentElement!;
  box.style.minHeight = `${box.offsetHeight}px`; // the page keeps its length meanwhile, and with it the place one reads at
  table.classList.remove("cards");
  table.classList.toggle("cards", box.scrollWidth > box.clientWidth + 1);
  box.style.minHeight = "";
}

/** A share as a bar behind its figure; with a deviation, a whisker of one to either side. */
export function Bar({ share, of, text, sd }: { share: number | null | undefined; of: string; text: string; sd?: number | null }) {
  const w = Math.max(0, Math.min(1, share ?? 0));
  return (
    <span class="bar-cell">
      <span class="bar" aria-hidden="true">
        <span class="bar-fill" style={{ width: `${w * 100}%`, background: of }} />
        {sd ? <span class="bar-sd" style={{ left: `${Math.max(0, w - sd) * 100}%`, width: `${(Math.min(1, w + sd) - Math.max(0, w - sd)) * 100}%` }} /> : null}
      </span>
      <span class="bar-text">{text}{sd ? <>{" "}<span class="muted">± {Math.round(sd * 100)}</span></> : ""}</span>
    </span>
  );
}

export function Shares({ shares }: { shares: [string, number][] }) {
  return (
    <span class="shares" aria-hidden="true">
      {shares.filter(([, s]) => s > 0).map(([name, s]) => <span key={name} style={{ width: `${s * 100}%`, background: color(name) }} title={name} />)}
    </span>
  );
}

/** Says it where a screen reader hears it, without moving the focus. */
export function Say({ children }: { children: ComponentChildren }) {
  return <div class="sr" role="status" aria-live="polite">{children}</div>;
}
