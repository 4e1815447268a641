export interface Scale { (v: number): number; ticks: number[] }

export function linear([low, high]: [number, number], [from, to]: [number, number], wanted = 5): Scale {
  const span = high - low || 1;
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= rough)! * power;
  const ticks: number[] = [];
  for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + step * 1e-6; t += step) {
    ticks.push(Number(t.toPrecision(12)));
  }

  return Object.assign((v: number) => from + ((v - low) / span) * (to - from), { ticks });
}

/** Of positive numbers only; what is lower than the low end stands at it. */
export function log([low, high]: [number, number], [from, to]: [number, number], dense = false): Scale {
  const [a, b] = [Math.log10(low), Math.log10(high)];
  const ticks: number[] = [];
  for (let e = Math.floor(a); e <= Math.ceil(b); e++) {
    for (const m of dense || b - a < 2.2 ? [1, 2, 5] : [1]) {
      const t = Number((m * 10 ** e).toPrecision(3));
      if (t >= low * 0.999 && t <= high * 1.001) {
        ticks.push(t);
      }
    }
  }

  return Object.assign((v: number) => from + ((Math.log10(Math.max(v, low)) - a) / (b - a || 1)) * (to - from), { ticks });
}
