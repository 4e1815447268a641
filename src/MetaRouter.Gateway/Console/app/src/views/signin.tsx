import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api";
import { Logo } from "../ui/icons";

export function SignIn({ why, enter }: { why: ApiError | null; enter: (key: string) => Promise<void> }) {
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <main class="sign-in">
      <form class="sign-card" onSubmit={async (e) => { e.preventDefault(); setBusy(true); await enter(key.trim()); setBusy(false); }}>
        <div class="sign-brand"><Logo size={36} /><h1>MetaRouter</h1></div>
        <p class="sign-lead">Sign in with an API key that has the scope <code>read</code>. With <code>operator</code> you can also change models and roll back, with <code>admin</code> reset and erase users; with <code>inference</code> and <code>feedback</code>, try requests in the playground.</p>
        <div class="field">
          <label for="api-key">API key</label>
          <input id="api-key" ref={field} type="password" autocomplete="off" spellcheck={false} required value={key} aria-invalid={why !== null} aria-describedby={why ? "key-problem" : "key-hint"} onInput={(e) => setKey(e.currentTarget.value)} />
          {why && <p id="key-problem" class="field-error" role="alert">{why.status === 403 ? `This key lacks a scope: ${why.message}` : why.message}</p>}
          <p id="key-hint" class="note">Kept in this tab until it is closed; sent to this gateway only.</p>
        </div>
        <button type="submit" class="button primary wide" disabled={busy || key.trim() === ""}>{busy ? "Signing in…" : "Sign in"}</button>
        <details class="note">
          <summary>No key yet?</summary>
          <p>On the gateway's machine: <code>dotnet run -c Release --project src/MetaRouter.Gateway -- new-key TENANT read</code>. It is shown once; its hash goes into the settings.</p>
        </details>
      </form>
    </main>
  );
}
