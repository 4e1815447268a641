// What the gateway says under /v1/console, and how it is asked. Names are the wire's.

export interface Session { tenant: string; scopes: string[]; demo: boolean; simulated: boolean; mode: string; version: string }
export interface Saving { model: string; usd: number | null; saved_share: number | null; quality?: number | null; saved_low?: number | null; saved_high?: number | null }
export interface Bucket { t: string; requests: number; errors: number; spent_usd: number; always_strongest_usd: number | null; quality: number | null; p50_ms: number | null; p99_ms: number | null; models: Record<string, number> }
export interface ModelUse { name: string; requests: number; share: number; spent_usd: number; quality: number | null; p50_ms: number | null; circuit: string; enabled: boolean }
export interface Overview {
  now: string; since: string; bucket_seconds: number; mode: string;
  totals: { requests: number; errors: number; fallbacks: number; spent_usd: number; predicted_usd?: number | null; comparisons_usd?: number | null; always_strongest: Saving | null; best_single: Saving | null; quality: { value: number | null; low: number | null; high: number | null; method?: string } | null; latency_ms: { p50: number | null; p99: number | null } | null; users: number };
  series: Bucket[]; models: ModelUse[]; snapshot: { version: string; since: string | null; age_seconds: number | null; users: number | null } | null;
}
export interface Row { id: string; t: string; user: string | null; name?: string | null; model: string; reason: string; propensity: number | null; lambda: number | null; quality: number | null; cost_usd: number | null; served: string | null; status: number | string | null; latency_ms: number | null; signals: number }
export interface Page { decisions: Row[]; total: number; next: string | null; reasons?: string[] }
export interface Candidate { model: string; quality: number | null; quality_sd: number | null; cost_usd: number | null; latency_ms: number | null; utility?: number | null; propensity?: number | null; exclusion: string | null; chosen?: boolean; offered?: boolean }
export interface Decision extends Row { explanation: string | null; snapshot: string | null; candidates: Candidate[]; feedback: { t: string; kind: string; value: unknown; counted: boolean }[] }
export interface FrontPoint { lambda: number; quality: number; cost_usd: number; shares: Record<string, number> }
export interface Front { requests: number; models: { name: string; quality: number | null; cost_usd: number | null; share: number | null }[]; traffic: { quality: number | null; cost_usd: number | null; lambda: number | null } | null; dial: FrontPoint[]; cost_scale_usd?: number | null }
export interface UserLine { user: string; name?: string | null; requests: number; spent_usd: number; top_model: string | null; signals: number; last: string | null }
export interface Mass { lambda: number; probability: number }
export interface Step { t: string; kind: string; value: unknown; model: string | null; lambda_mean: number; lambda_low: number; lambda_high: number; text: string | null }
export interface User { user: string; name?: string | null; explanation: string | null; signals: number; lambda_mean: number | null; lambda_low: number | null; lambda_high: number | null; acting_lambda: number | null; density: Mass[]; prior: Mass[] | null; topics: { name: string; offset: number; sd: number }[] | null; history: Step[]; decisions: Row[]; snapshot: string; cost_scale_usd?: number | null }
export interface SnapshotLine { version: string; t: string; result: string; users: number | null; champion_evidence: number | null; challenger_evidence: number | null; density: Mass[] | null; serving: boolean }
export interface Learning { serving: { version: string; since: string | null; users: number | null; held?: boolean }; snapshots: SnapshotLine[]; newcomers: { request: number; regret: number; n: number }[] | null }
export interface Ranking { candidates: Candidate[]; cost_scale_usd: number; lambda: { mean: number | null; low: number | null; high: number | null; acting: number | null }; dial: { lambda: number; model: string }[] }
export interface CatalogEntry { id: string; input_price_usd_per_million?: number; output_price_usd_per_million?: number; cached_input_price_usd_per_million?: number; cache_write_price_usd_per_million?: number; output_scale?: number; context_window?: number; capabilities?: string[]; latency_seconds?: number; sibling?: string; aliases?: string[]; enabled?: boolean }
export interface ModelLine extends CatalogEntry { circuit: string | null; requests: number | null; errors: number | null; p50_ms: number | null; upstream: string | null; by_price: boolean; length_ratio: number | null }
export interface TenantLine { tenant: string; requests: number; errors: number; spent_usd: number; always_strongest: Saving | null; quality: number | null; latency_ms: { p50: number | null; p99: number | null }; budget: { budget_usd: number; spent_usd: number; period: string; ends: string } | null }
export interface ModelLines { etag: string; models: ModelLine[]; known: string[] }

/** The gateway refused, or was not there: status 0. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly retryAfter: number | null = null) {
    super(message);
  }
}

const KEY = "metarouter.key";
let key: string | null = null;
let refused: () => void = () => {};
let reached = true;
const watching = new Set<(reached: boolean) => void>();

export function apiKey(): string | null {
  return (key ??= sessionStorage.getItem(KEY));
}

/** Kept for this tab only, and gone when it is closed. */
export function setApiKey(value: string | null): void {
  key = value;
  if (value === null) {
    sessionStorage.removeItem(KEY);
  } else {
    sessionStorage.setItem(KEY, value);
  }
}

/** What happens when a key that was good is not any more. */
export function onRefused(act: () => void): void {
  refused = act;
}

/** Tells when the gateway stops answering, and when it answers again. */
export function onReach(tell: (reached: boolean) => void): () => void {
  watching.add(tell);
  return () => {
    watching.delete(tell);
  };
}

function reach(now: boolean): void {
  if (now !== reached) {
    reached = now;
    watching.forEach((tell) => tell(now));
  }
}

export interface Answer<T> { body: T; headers: Headers }

export async function ask<T>(path: string, options: { method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal; quiet?: boolean } = {}): Promise<Answer<T>> {
  const response = await send(path, options);
  const text = await response.text();
  return { body: (text ? JSON.parse(text) : null) as T, headers: response.headers };
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask<T>(path, signal ? { signal } : {})).body;
}

export async function send(path: string, options: { method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal; quiet?: boolean } = {}): Promise<Response> {
  const headers: Record<string, string> = { ...options.headers };
  const bearer = apiKey();
  if (bearer) {
    headers.Authorization = `Bearer ${bearer}`;
  }

  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
  }

  let response: Response;
  try {
    response = await fetch(path, { method: options.method ?? "GET", headers, cache: "no-store", credentials: "omit", ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }), ...(options.signal ? { signal: options.signal } : {}) });
  } catch (e) {
    if (options.signal?.aborted && (options.signal.reason as Error).name !== "TimeoutError") {
      throw e;
    }

    reach(false);
    throw new ApiError(0, "unreachable", `The gateway at ${location.origin} does not answer. Check that it runs.`);
  }

  if (!response.ok) {
    const error = await problem(response);
    // A proxy between says in its own words that nobody is behind it.
    reach(error.status < 502 || error.code !== "");
    if (error.status === 401 && !options.quiet) {
      refused();
    }

    throw error;
  }

  reach(true);
  return response;
}

async function problem(response: Response): Promise<ApiError> {
  const after = Number(response.headers.get("retry-after"));
  let code = "", message = "";
  try {
    const told = (await response.json()) as { error?: { message?: string; code?: string } };
    [code, message] = [told.error?.code ?? "", told.error?.message ?? ""];
  } catch {
    // not the gateway's own shape: a proxy between
  }

  return new ApiError(response.status, code, message || `The gateway answered ${response.status} ${response.statusText}.`, after > 0 ? after : null);
}

/** Server-sent events over fetch, since an EventSource cannot send a header and a key does not belong in an address. Comes back by itself, also from a connection that only looks alive. */
export function listen(path: string, on: (event: string, data: unknown) => void, state: (live: boolean) => void): () => void {
  let stopped = false, attempt = new AbortController();
  const unwatch = onReach((reached) => reached || attempt.abort());
  void (async () => {
    for (let wait = 500; !stopped; wait = Math.min(wait * 2, 15_000)) {
      attempt = new AbortController();
      try {
        const response = await send(path, { headers: { Accept: "text/event-stream" }, signal: attempt.signal });
        state(true);
        wait = 500;
        await read(response.body!.pipeThrough(new TextDecoderStream()).getReader(), on);
      } catch (e) {
        if (e instanceof ApiError && (e.status === 401 || e.status === 403)) {
          state(false);
          return;
        }
      }

      state(false);
      await new Promise((done) => setTimeout(done, wait));
    }
  })();
  return () => {
    stopped = true;
    unwatch();
    attempt.abort();
  };
}

async function read(reader: ReadableStreamDefaultReader<string>, on: (event: string, data: unknown) => void): Promise<void> {
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }

    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      let event = "message";
      const data: string[] = [];
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) {
          event = line.slice(6).trim();
        } else if (line.startsWith("data:")) {
          data.push(line.slice(5).trimStart());
        }
      }

      if (data.length > 0) {
        on(event, JSON.parse(data.join("\n")));
      }
    }
  }
}
