/** Figures as people read them. null and undefined are what is not known: "–". */
export const NONE = "–";

type Maybe = number | null | undefined;

const known = (v: Maybe): v is number => typeof v === "number" && Number.isFinite(v);
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** At most `digits` significant ones, without exponent or trailing zeros. */
export function significant(v: number, digits = 3): string {
  if (v === 0) {
    return "0";
  }

  const after = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(v))));
  return decimals[Math.min(after, 12)]!.format(v);
}

// Made once: making one takes as long as a hundred uses.
const decimals = Array.from({ length: 13 }, (_, digits) => new Intl.NumberFormat("en-US", { maximumFractionDigits: digits }));

export function money(usd: Maybe): string {
  if (!known(usd)) {
    return NONE;
  }

  const sign = usd < 0 ? "−" : "";
  const v = Math.abs(usd);
  if (v >= 1000) {
    return `${sign}$${whole.format(v)}`;
  }

  return `${sign}$${v >= 0.1 || v === 0 ? v.toFixed(2) : two(Number(v.toPrecision(2)))}`;
}

/** One call costs fractions of a cent: a thousand of them is a sum people know. */
export const perThousand = (usd: Maybe): string => (known(usd) ? money(usd * 1000) : NONE);

/** The sign stays beside its figure, wherever the line breaks. */
export function percent(share: Maybe, digits = 0): string {
  if (!known(share)) {
    return NONE;
  }

  if (share > 0 && share < 0.001) {
    return "< 0.1\u00a0%";
  }

  if (share === 0 || share === 1) {
    return `${share * 100}\u00a0%`;
  }

  return `${(share * 100).toFixed(share > 0 && share < 0.1 && digits === 0 ? 1 : digits)}\u00a0%`;
}

export function count(n: Maybe): string {
  if (!known(n)) {
    return NONE;
  }

  return n >= 1e6 ? `${significant(n / 1e6)} M` : whole.format(n);
}

/** A number of things: "1 user", "2 users". */
export const several = (n: Maybe, thing: string): string => `${count(n)} ${thing}${n === 1 ? "" : "s"}`;

export function ms(v: Maybe): string {
  if (!known(v)) {
    return NONE;
  }

  return v >= 10_000 ? `${(v / 1000).toFixed(1)} s` : v >= 1000 ? `${significant(v / 1000)} s` : `${v >= 10 ? Math.round(v) : significant(v, 2)} ms`;
}

/** The weight of cost against quality. */
export const weight = (lambda: Maybe): string => (known(lambda) ? (lambda >= 100 || lambda === 0 ? whole.format(lambda) : lambda >= 0.001 ? two(Number(lambda.toPrecision(2))) : significant(lambda, 2)) : NONE);
const two = (rounded: number): string => rounded.toFixed(Math.max(0, 1 - Math.floor(Math.log10(rounded))));

/** What a weight of cost means in money: how much more a person pays for one more right answer in a hundred. */
export function worth(lambda: Maybe, scaleUsd: Maybe): string | null {
  if (!known(lambda) || !known(scaleUsd)) {
    return null;
  }

  if (scaleUsd === 0) {
    return "pays nothing either way, since all models are free";
  }

  return lambda === 0 ? "pays any price for quality" : `pays up to ${money((0.01 * scaleUsd * 1000) / lambda)} per 1,000 requests for one more right answer in 100`;
}

/** What is gained and lost by a choice, in units of quality. */
export const utility = (u: Maybe): string => (known(u) ? `${u < 0 ? "−" : ""}${Math.abs(u).toFixed(3)}` : NONE);

export function duration(seconds: Maybe): string {
  if (!known(seconds)) {
    return NONE;
  }

  const s = Math.max(0, seconds);
  if (s < 60) {
    return `${Math.round(s)} s`;
  }

  return s < 3600 ? `${Math.round(s / 60)} min` : s < 86_400 ? `${significant(s / 3600, 2)} h` : `${Math.round(s / 86_400)} d`;
}

export function ago(iso: string | null | undefined, now = Date.now()): string {
  if (!iso) {
    return NONE;
  }

  const seconds = (now - Date.parse(iso)) / 1000;
  return Number.isNaN(seconds) ? NONE : seconds < 2 ? "now" : `${duration(seconds)} ago`;
}

const clockForm = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayForm = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const fullForm = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const clock = (t: number): string => clockForm.format(t);
export const day = (iso: string): string => dayForm.format(Date.parse(iso));
export const full = (iso: string): string => (Number.isNaN(Date.parse(iso)) ? NONE : fullForm.format(Date.parse(iso)));

const REASONS: Record<string, string> = {
  best_for_user: "best for this user",
  best_for_dial: "best at this dial",
  explored: "tried, to learn",
  comparison: "two answers",
  only_allowed: "only one allowed",
  fail_over: "stood in after a failure",
  requested: "asked for by name",
  off: "routing is off",
};
export const reason = (r: string): string => REASONS[r] ?? r.replaceAll("_", " ");
export const REASON_NAMES = Object.keys(REASONS);

const EXCLUSIONS: Record<string, string> = {
  disabled: "switched off in the catalog",
  not_allowed: "not allowed for this request",
  unhealthy: "its upstream is failing",
  missing_capability: "lacks a capability the request needs",
  context_too_small: "its context is too small",
  over_cost_limit: "over the cost limit",
  share_used_up: "has had its share of the requests",
};
export const exclusion = (r: string): string => EXCLUSIONS[r] ?? r.replaceAll("_", " ");

/** The first words of a kind of feedback, and what it is about. */
export function signal(kind: string, value: unknown): string {
  const v = value === null || value === undefined ? "" : String(value);
  switch (kind) {
    case "comparison":
      return v === "chosen" ? "preferred the first of two answers" : v === "offered" ? "preferred the second of two answers" : v ? `preferred the ${v} of two answers` : "compared two answers";
    case "thumb":
      return `thumb ${v}`;
    case "rating":
      return `rated ${v} of 5`;
    case "task_success":
      return v === "true" || v === "1" ? "the task succeeded" : "the task failed";
    case "switch_model":
      return `switched to a ${v} model`;
    case "regenerate":
      return "asked again";
    case "accept":
      return "accepted";
    case "edit":
      return "edited the answer";
    case "abandon":
      return "left before the end";
    default:
      return `${kind.replaceAll("_", " ")} ${v}`.trim();
  }
}

/** A sentence of its own. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, "");
