/** The look the person chose; "system" follows the machine. */
export type Theme = "light" | "dark" | "system";

const KEY = "metarouter.theme";
const listeners = new Set<() => void>();
const machine = matchMedia("(prefers-color-scheme: dark)");
let chosen = kept();

export function theme(): Theme {
  return chosen;
}

export function applyTheme(): void {
  const dark = chosen === "dark" || (chosen === "system" && machine.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

/** From here on, while nothing else is chosen. Once a page: a second copy would not know what was chosen in the first. */
export function followMachine(): void {
  machine.addEventListener("change", changed);
}

export function setTheme(choice: Theme): void {
  chosen = choice;
  try {
    if (choice === "system") {
      localStorage.removeItem(KEY);
    } else {
      localStorage.setItem(KEY, choice);
    }
  } catch {
    // storage is forbidden in some private windows: it holds for this page
  }

  changed();
}

/** Calls back when colours change, by the person or by the machine. */
export function onTheme(tell: () => void): () => void {
  listeners.add(tell);
  return () => {
    listeners.delete(tell);
  };
}

function changed(): void {
  applyTheme();
  listeners.forEach((tell) => tell());
}

function kept(): Theme {
  try {
    const found = localStorage.getItem(KEY);
    return found === "light" || found === "dark" ? found : "system";
  } catch {
    return "system";
  }
}

/** A colour of the style sheet as it is now, for what is drawn on a canvas. */
export function ink(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}
