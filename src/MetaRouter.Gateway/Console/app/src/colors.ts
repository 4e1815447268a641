import { ink } from "./theme";

const SLOTS = 12;
const given = new Map<string, number>();

/** Colours in the catalog's order, so that everyone who sees this gateway sees a model in the same one; once given, a colour stays. */
export function giveColors(models: readonly string[]): void {
  for (const model of models) {
    slot(model);
  }
}

function slot(model: string): number {
  let found = given.get(model);
  if (found === undefined) {
    found = given.size % SLOTS;
    given.set(model, found);
  }

  return found;
}

/** For the page. */
export const color = (model: string): string => `var(--m${slot(model)})`;

/** For a canvas. */
export const inkOf = (model: string): string => ink(`--m${slot(model)}`);
