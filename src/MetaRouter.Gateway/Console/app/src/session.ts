import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Session } from "./api";

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  return useContext(SessionContext)!;
}

export function useMay(scope: string): boolean {
  return useSession().scopes.includes(scope);
}

/** The words of PUT /v1/router/mode, whichever the session speaks. */
export function modeOf(mode: string): "apply" | "observe" | "static" {
  return mode === "observe" ? "observe" : mode === "off" || mode === "static" ? "static" : "apply";
}

export const MODES = {
  apply: { label: "Route", text: "Decisions are followed." },
  observe: { label: "Observe", text: "Decisions are taken and noted; the static model answers." },
  static: { label: "Off", text: "No decisions are taken; the static model answers." },
} as const;
