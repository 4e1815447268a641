import { significant, weight } from "../format";
import type { Mass } from "../api";
import { useGlide, useWidth } from "../hooks";
import { log } from "./scale";

/** A belief about the weight of cost: what is believed (filled) over what it began from (dashed), the interval and the weight in use. */
export function Density({ density, prior, low, high, acting, name = "believed now", height = 220, said }: { density: Mass[]; prior?: Mass[] | null; low?: number | null; high?: number | null; acting?: number | null; name?: string; height?: number; said: string }) {
  const [host, width] = useWidth<HTMLDivElement>();
  const points = density.filter((m) => m.lambda > 0);
  const masses = useGlide(points.map((m) => m.probability));
  const began = prior?.filter((m) => m.lambda > 0) ?? [];
  const marks = useGlide([low ?? 0, high ?? 0, acting ?? 0].map((v) => Math.log10(Math.max(v, 1e-4))));
  if (points.length < 2) {
    return <div ref={host} class="chart" />;
  }

  const lambdas = points.map((m) => m.lambda);
  const [left, right, bottom] = [12, width - 12, height - 44];
  const x = log([lambdas[0]!, lambdas.at(-1)!], [left, right], 64);
  const top = Math.max(...points.map((m) => m.probability), ...began.map((m) => m.probability), 1e-9);
  const y = (p: number) => bottom - (p / top) * (bottom - 24);
  const curve = (xs: number[], ps: readonly number[]) => xs.map((l, i) => `${i ? "L" : "M"}${x(l).toFixed(1)} ${y(ps[i]!).toFixed(1)}`).join("");
  const shown = curve(lambdas, masses);
  const [from, until, acts] = marks.map((v) => x(10 ** v));
  const actsAt = Math.max(left + 4, Math.min(right - 4, acts!));
  return (
    <div ref={host} class="chart" style={{ height: `${height}px` }}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={said}>
          {x.ticks.map((t) => (
            <g key={t} class="axis">
              <line x1={x(t)} x2={x(t)} y1={20} y2={bottom} class="grid" />
              <text x={x(t)} y={bottom + 16} text-anchor="middle">{significant(t)}</text>
            </g>
          ))}
          {low != null && high != null && <rect x={from} y={20} width={Math.max(1, until! - from!)} height={bottom - 20} class="interval" />}
          <path d={`${shown}L${x(lambdas.at(-1)!).toFixed(1)} ${bottom}L${x(lambdas[0]!).toFixed(1)} ${bottom}Z`} class="density-fill" />
          <path d={shown} class="density-line" />
          {began.length > 1 && <path d={curve(began.map((m) => m.lambda), began.map((m) => m.probability))} class="density-prior" />}
          <line x1={left} x2={right} y1={bottom} y2={bottom} class="baseline" />
          {acting != null && (
            <g>
              <line x1={actsAt} x2={actsAt} y1={20} y2={bottom} class="acting" />
              <text x={actsAt} y={13} text-anchor={actsAt > width - 80 ? "end" : actsAt < 80 ? "start" : "middle"} class="acting-text">decides at λ {weight(acting)}</text>
            </g>
          )}
          <text x={left} y={height - 6} class="axis-title">← pays for quality</text>
          <text x={width / 2} y={height - 6} text-anchor="middle" class="axis-title">{width > 420 ? "weight of cost λ" : "λ"}</text>
          <text x={right} y={height - 6} text-anchor="end" class="axis-title">saves money →</text>
        </svg>
      )}
      <span class="sr">{name}</span>
    </div>
  );
}

export function DensityKey({ name = "believed now", prior = "where newcomers begin", interval = true }: { name?: string; prior?: string | null; interval?: boolean }) {
  return (
    <ul class="key" aria-hidden="true">
      <li><span class="key-fill" />{name}</li>
      {prior && <li><span class="key-dash" />{prior}</li>}
      {interval && <li><span class="key-interval" />90 % sure</li>}
    </ul>
  );
}

/** A belief in the width of a word. */
export function MiniDensity({ density, serving }: { density: Mass[]; serving: boolean }) {
  const points = density.filter((m) => m.lambda > 0);
  if (points.length < 2) {
    return null;
  }

  const [w, h] = [96, 26];
  const top = Math.max(...points.map((m) => m.probability), 1e-9);
  const line = points.map((m, i) => `${i ? "L" : "M"}${((i / (points.length - 1)) * w).toFixed(1)} ${(h - 1 - (m.probability / top) * (h - 4)).toFixed(1)}`).join("");
  return (
    <svg class={`mini-density ${serving ? "on" : ""}`} width={w} height={h} viewBox={`0 0 ${w} ${h}`} aria-hidden="true">
      <path d={`${line}L${w} ${h}L0 ${h}Z`} class="mini-fill" />
      <path d={line} class="mini-line" />
    </svg>
  );
}
