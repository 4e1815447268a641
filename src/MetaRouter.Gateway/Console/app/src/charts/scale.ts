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

/** Of positive numbers only; what is lower than the low end stands at it. `room` is the pixels that a tick's label needs. */
export function log([low, high]: [number, number], [from, to]: [number, number], room: number): Scale {
  const [a, b] = [Math.log10(low), Math.log10(high)];
  const decade = Math.abs(to - from) / (b - a || 1);
  const within = decade * Math.log10(2) >= room ? [1, 2, 5] : decade * Math.log10(3) >= room ? [1, 3] : [1];
  const every = Math.max(1, Math.ceil(room / Math.max(decade, 1)));
  const ticks: number[] = [];
  for (let e = Math.floor(a / every) * every; e <= Math.ceil(b); e += every) {
    for (const m of within) {
      const t = Number((m * 10 ** e).toPrecision(3));
      if (t >= low * 0.999 && t <= high * 1.001) {
        ticks.push(t);
      }
    }
  }

  return Object.assign((v: number) => from + ((Math.log10(Math.max(v, low)) - a) / (b - a || 1)) * (to - from), { ticks });
}
