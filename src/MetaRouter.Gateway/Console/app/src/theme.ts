/** The look the person chose; "system" follows the machine. */
export type Theme = "light" | "dark" | "system";

const KEY = "metarouter.theme";
const listeners = new Set<() => void>();

export function theme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system"; // storage is forbidden in some private windows
  }
}

export function applyTheme(): void {
  const chosen = theme();
  if (chosen === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = chosen;
  }
}

export function setTheme(chosen: Theme): void {
  try {
    if (chosen === "system") {
      localStorage.removeItem(KEY);
    } else {
      localStorage.setItem(KEY, chosen);
    }
  } catch {
    // not kept, and applied below all the same
    document.documentElement.dataset.theme = chosen;
  }

  applyTheme();
  listeners.forEach((tell) => tell());
}

/** Calls back when colours change, by the person or by the machine. */
export function onTheme(tell: () => void): () => void {
  const machine = matchMedia("(prefers-color-scheme: dark)");
  listeners.add(tell);
  machine.addEventListener("change", tell);
  return () => {
    listeners.delete(tell);
    machine.removeEventListener("change", tell);
  };
}

/** A colour of the style sheet as it is now, for what is drawn on a canvas. */
export function ink(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}
