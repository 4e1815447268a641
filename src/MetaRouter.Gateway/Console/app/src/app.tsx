import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, apiKey, ask, get, onRefused, setApiKey, type CatalogEntry, type Session } from "./api";
import { giveColors } from "./colors";
import { clock } from "./format";
import { asApiError, to, useAway, useRoute } from "./hooks";
import { MODES, modeOf, SessionContext } from "./session";
import { setTheme, theme, type Theme } from "./theme";
import { Icon, Logo, type IconName } from "./ui/icons";
import { Pill, Problem, Skeleton } from "./ui/parts";
import { DecisionView } from "./views/decision";
import { DecisionsView } from "./views/decisions";
import { FrontView } from "./views/front";
import { LearningView } from "./views/learning";
import { ModelsView } from "./views/models";
import { OverviewView } from "./views/overview";
import { PlaygroundView } from "./views/playground";
import { SignIn } from "./views/signin";
import { UserView } from "./views/user";
import { UsersView } from "./views/users";

const VIEWS: { name: string; icon: IconName; label: string; short: string }[] = [
  { name: "overview", icon: "overview", label: "Overview", short: "Overview" },
  { name: "front", icon: "front", label: "Quality and cost", short: "Quality" },
  { name: "decisions", icon: "decisions", label: "Decisions", short: "Decisions" },
  { name: "users", icon: "users", label: "Users", short: "Users" },
  { name: "learning", icon: "learning", label: "Learning", short: "Learning" },
  { name: "playground", icon: "playground", label: "Playground", short: "Play" },
  { name: "models", icon: "models", label: "Models", short: "Models" },
];

type State = { is: "starting" } | { is: "out"; why: ApiError | null } | { is: "in"; session: Session } | { is: "broken"; error: ApiError };

export function App() {
  const [state, setState] = useState<State>({ is: "starting" });
  const start = useCallback(async () => {
    try {
      const session = (await ask<Session>("/v1/console/session", { quiet: true })).body;
      const models = await get<{ models: CatalogEntry[] }>("/v1/router/models").catch(() => ({ models: [] }));
      giveColors(models.models.map((m) => m.id));
      setState({ is: "in", session });
    } catch (e) {
      const error = asApiError(e);
      if (error.status === 401 || error.status === 403) {
        const had = apiKey() !== null;
        setApiKey(null);
        setState({ is: "out", why: had ? error : null });
      } else {
        setState({ is: "broken", error });
      }
    }
  }, []);
  const leave = useCallback((why: ApiError | null) => {
    setApiKey(null);
    setState({ is: "out", why });
  }, []);
  useEffect(() => {
    onRefused(() => leave(new ApiError(401, "invalid_api_key", "The key is no longer accepted: it may have been rotated. Sign in with a current one.")));
    void start();
  }, []);

  switch (state.is) {
    case "starting":
      return <div class="starting"><Skeleton lines={4} /></div>;
    case "broken":
      return <main class="sign-in"><div class="sign-card"><Problem error={state.error} retry={() => { setState({ is: "starting" }); void start(); }} /></div></main>;
    case "out":
      return <SignIn why={state.why} enter={async (key) => { setApiKey(key); await start(); }} />;
    default:
      return (
        <SessionContext.Provider value={state.session}>
          <Shell session={state.session} leave={() => leave(null)} change={(session) => setState((s) => (s.is === "in" ? { is: "in", session } : s))} />
        </SessionContext.Provider>
      );
  }
}

function Shell({ session, leave, change }: { session: Session; leave: () => void; change: (session: Session) => void }) {
  const [view = "", id, ...rest] = useRoute();
  const shown = VIEWS.find((v) => v.name === view) ?? VIEWS[0]!;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${shown.label}${id ? " · " + id.replace(/^~/, "").slice(0, 12) : ""} · MetaRouter`;
    // Whoever moves by keyboard or hears the page starts at the new view, not in the middle of the old one.
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }

    first.current = false;
  }, [shown.name, id]);
  // Others change the mode too, keys are rotated, and a gateway that was restarted may be another.
  const changes = useRef(0);
  useEffect(() => {
    const again = () => {
      const known = changes.current;
      return document.hidden || ask<Session>("/v1/console/session", { signal: AbortSignal.timeout(8000) }).then(({ body }) => known === changes.current && change(body), () => {}); // else it is of before
    };
    const timer = setInterval(again, 10_000);
    return () => clearInterval(timer);
  }, []);
  const away = useAway();
  const key = rest.length ? [id, ...rest].join("/") : id;
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>Skip to content</a>
      <header class="top">
        <a class="brand" href={to("overview")} aria-label="MetaRouter, to the overview"><Logo /><span>MetaRouter</span></a>
        <div class="top-state">
          <span role="status">{away !== null && <Pill tone="bad" title="The gateway cannot be reached. What is shown is from before; it is asked again every few seconds.">No answer since {clock(away)}</Pill>}</span>
          {away !== null ? null : session.demo ? <Pill tone="warn" title="Simulated users ask and answers are simulated. Decisions and learning are real.">Demo, simulated</Pill> : session.simulated && <Pill tone="warn" title="No upstream is configured: no real model answers. Decisions and learning are real.">Simulated answers</Pill>}
          {modeOf(session.mode) !== "apply" && <Pill tone="accent" title={MODES[modeOf(session.mode)].text}>{MODES[modeOf(session.mode)].label}</Pill>}
          <span class="tenant" title="The tenant that this key belongs to">{session.tenant}</span>
          <ThemeButton />
          {apiKey() && <button type="button" class="icon-button" onClick={leave} aria-label="Sign out" title="Sign out: the key is forgotten"><Icon name="leave" /></button>}
        </div>
      </header>
      <nav class="nav" aria-label="Views">
        {VIEWS.map((v) => (
          <a key={v.name} href={to(v.name)} aria-current={v === shown ? "page" : undefined}>
            <Icon name={v.icon} size={19} />
            <span class="nav-long">{v.label}</span>
            <span class="nav-short" aria-hidden="true">{v.short}</span>
          </a>
        ))}
        <p class="nav-foot">{session.demo ? "Demo · " : ""}{session.version}</p>
      </nav>
      <main id="main" ref={main} tabIndex={-1}>
        {view === "front" ? <FrontView />
          : view === "decisions" ? (key ? <DecisionView id={key} key={key} /> : <DecisionsView />)
          : view === "users" ? (key ? <UserView id={key} key={key} /> : <UsersView />)
          : view === "learning" ? <LearningView />
          : view === "playground" ? <PlaygroundView />
          : view === "models" ? <ModelsView onMode={(mode) => { changes.current++; change({ ...session, mode }); }} />
          : <OverviewView />}
      </main>
    </div>
  );
}

function ThemeButton() {
  const [now, setNow] = useState<Theme>(theme);
  const next = { system: "light", light: "dark", dark: "system" } as const;
  const names = { system: "as the machine", light: "light", dark: "dark" };
  return (
    <button type="button" class="icon-button" aria-label={`Colours: ${names[now]}. Change to ${names[next[now]]}`} title={`Colours: ${names[now]}`} onClick={() => { setTheme(next[now]); setNow(next[now]); }}>
      <Icon name={now === "system" ? "auto" : now === "light" ? "sun" : "moon"} />
    </button>
  );
}
