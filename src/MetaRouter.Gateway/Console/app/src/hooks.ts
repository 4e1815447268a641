import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, listen, onReach, type Overview, type Row } from "./api";
import { onTheme } from "./theme";

/** What an address gave; what was there stays while it is asked again. */
export interface Loaded<T> { data: T | null; error: ApiError | null; loading: boolean; reload: () => void; set: (data: T) => void }

export function useApi<T>(path: string | null, pollSeconds = 0): Loaded<T> {
  const [state, setState] = useState<{ path: string | null; data: T | null; error: ApiError | null; loading: boolean }>({ path, data: null, error: null, loading: path !== null });
  const [turn, setTurn] = useState(0);
  const asking = useRef<AbortController | null>(null);
  useEffect(() => {
    if (path === null) {
      return;
    }

    const stop = (asking.current = new AbortController());
    setState((s) => ({ path, data: s.path === path ? s.data : null, error: s.path === path ? s.error : null, loading: true }));
    get<T>(path, stop.signal).then(
      (data) => setState({ path, data, error: null, loading: false }),
      (e: unknown) => {
        if (!stop.signal.aborted) {
          setState((s) => ({ path, data: s.path === path ? s.data : null, error: asApiError(e), loading: false }));
        }
      },
    );
    return () => stop.abort();
  }, [path, turn]);
  useEffect(() => {
    if (pollSeconds <= 0) {
      return;
    }

    const timer = setInterval(() => document.hidden || setTurn((t) => t + 1), pollSeconds * 1000);
    return () => clearInterval(timer);
  }, [pollSeconds]);
  useEffect(() => onReach((reached) => reached && setTurn((t) => t + 1)), []);
  const reload = useCallback(() => setTurn((t) => t + 1), []);
  const set = useCallback((data: T) => {
    asking.current?.abort(); // its answer may be of before
    setState((s) => ({ ...s, data, error: null, loading: false }));
  }, []);
  const mine = state.path === path;
  return { data: mine ? state.data : null, error: mine ? state.error : null, loading: mine ? state.loading : path !== null, reload, set };
}

export function asApiError(e: unknown): ApiError {
  return e instanceof ApiError ? e : new ApiError(0, "unreadable", `The answer of the gateway could not be read: ${e instanceof Error ? e.message : String(e)}`);
}

/** The width an element has, for charts that are drawn in pixels. */
export function useWidth<E extends Element>(): [{ current: E | null }, number] {
  const element = useRef<E>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observed = element.current!;
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    setWidth(Math.floor(observed.getBoundingClientRect().width));
    watch.observe(observed);
    return () => watch.disconnect();
  }, []);
  return [element, width];
}

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const tell = () => setMatches(media.matches);
    tell();
    media.addEventListener("change", tell);
    return () => media.removeEventListener("change", tell);
  }, [query]);
  return matches;
}

/** Since when the gateway does not answer; null while it does. */
export function useAway(): number | null {
  const [since, setSince] = useState<number | null>(null);
  useEffect(() => onReach((reached) => setSince(reached ? null : Date.now())), []);
  return since;
}

export const calm = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Drawn again when the colours change. */
export function useThemeTurn(): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => onTheme(() => setTurn((t) => t + 1)), []);
  return turn;
}

/** The time, now and then. */
export function useNow(seconds = 5): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return now;
}

/** Glides from the last numbers to the new ones; at once where motion is not wanted. */
export function useGlide(target: readonly number[], milliseconds = 600): readonly number[] {
  const [shown, setShown] = useState(target);
  const from = useRef(target);
  const key = target.join();
  useEffect(() => {
    const start = from.current;
    if (calm() || start.length !== target.length || start.join() === key) {
      from.current = target;
      setShown(target);
      return;
    }

    const begun = performance.now();
    let frame = requestAnimationFrame(function step(now) {
      const x = Math.min(1, (now - begun) / milliseconds);
      const eased = 1 - (1 - x) ** 3;
      from.current = target.map((v, i) => start[i]! + (v - start[i]!) * eased);
      setShown(from.current);
      if (x < 1) {
        frame = requestAnimationFrame(step);
      }
    });
    return () => cancelAnimationFrame(frame);
  }, [key]);
  return shown.length === target.length ? shown : target;
}

export interface Live { overview: Overview | null; decisions: Row[]; live: boolean; seen: number }

/** The gateway's events: figures every second or two, and decisions as they fall. */
export function useLive(minutes: number, keep = 12): Live {
  const [state, setState] = useState<Live>({ overview: null, decisions: [], live: false, seen: 0 });
  useEffect(() => {
    setState((s) => ({ ...s, overview: null }));
    return listen(
      `/v1/console/events?minutes=${minutes}`,
      (event, data) => {
        if (event === "overview") {
          setState((s) => ({ ...s, overview: data as Overview }));
        } else if (event === "decision") {
          const row = data as Row;
          setState((s) => (s.decisions.some((d) => d.id === row.id) ? s : { ...s, seen: s.seen + 1, decisions: [row, ...s.decisions].slice(0, keep) }));
        }
      },
      (live) => setState((s) => (s.live === live ? s : { ...s, live })),
    );
  }, [minutes]);
  return state;
}

/** Where in the console one is: the part of the address after #. */
export function useRoute(): string[] {
  const read = () => location.hash.replace(/^#\/?/, "").split("?")[0]!.split("/").map(decodeURIComponentOrNot);
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const tell = () => setRoute(read());
    addEventListener("hashchange", tell);
    return () => removeEventListener("hashchange", tell);
  }, []);
  return route;
}

function decodeURIComponentOrNot(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const to = (...parts: string[]): string => `#/${parts.map(encodeURIComponent).join("/")}`;
