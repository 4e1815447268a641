import { useState } from "preact/hooks";
import type { Front } from "../api";
import { color } from "../colors";
import { money, percent } from "../format";
import { useGlide, useWidth } from "../hooks";
import { linear, log } from "./scale";

interface Spot { name: string; cost: number; quality: number; share: number | null }

/** The pool's front: quality against cost, a point a model; the line is where the dial can go, the ring where it stands. */
export function FrontChart({ front, at, height: wanted = 520 }: { front: Front; at: number; height?: number }) {
  const [host, width] = useWidth<HTMLDivElement>();
  const height = width > 0 && width < 520 ? Math.min(wanted, 360) : wanted;
  const [hovered, setHovered] = useState<Spot | null>(null);
  const spots: Spot[] = front.models.flatMap((m) => (m.cost_usd != null && m.quality != null ? [{ name: m.name, cost: m.cost_usd * 1000, quality: m.quality, share: m.share }] : []));
  const dial = front.dial.map((d) => ({ cost: d.cost_usd * 1000, quality: d.quality }));
  const here = dial[at];
  const traffic = front.traffic?.cost_usd != null && front.traffic.quality != null ? { cost: front.traffic.cost_usd * 1000, quality: front.traffic.quality } : null;
  const all = [...spots, ...dial, ...(traffic ? [traffic] : [])];
  // What is free has no place on a log scale: it stands at its left end.
  const costs = all.filter((p) => p.cost > 0).map((p) => p.cost), qualities = all.map((p) => p.quality);
  const least = Math.min(...costs, costs.length > 0 ? Infinity : 1), free = all.some((p) => p.cost <= 0) ? least * 0.35 : null;
  const decades = (cost: number) => Math.log10(cost > 0 ? cost : free!);
  const glided = useGlide(here ? [decades(here.cost), here.quality] : [0, 0], 250);
  if (all.length === 0) {
    return <div ref={host} class="chart" />;
  }

  const [low, high] = [Math.min(...qualities), Math.max(...qualities)];
  const room = Math.max(0.02, (high - low) * 0.12);
  const [left, right, top, bottom] = [46, width - 16, 14, height - 44];
  const scale = log([free === null ? least * 0.7 : free * 0.6, Math.max(...costs, least) * 1.45], [left, right], 52);
  const x = (cost: number) => scale(cost > 0 ? cost : free!);
  const ticks = [...(free === null ? [] : [0]), ...scale.ticks.filter((t) => t >= least * 0.7)];
  const y = linear([low - room, Math.min(1, high + room)], [bottom, top]);
  const labels = place(spots.map((s) => ({ x: x(s.cost), y: y(s.quality), name: short(s.name), r: radius(s.share) })), [left, right, top, bottom], [...dial, ...(traffic ? [traffic, traffic] : [])].map((p) => [x(p.cost), y(p.quality)]));
  const path = dial.map((p, i) => `${i ? "L" : "M"}${x(p.cost).toFixed(1)} ${y(p.quality).toFixed(1)}`).join("");
  return (
    <div ref={host} class="chart" style={{ height: `${height}px` }}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={`Predicted quality against cost of ${spots.length} models and of ${dial.length} positions of the dial. The button above shows it as a table.`}>
          {ticks.map((t) => (
            <g key={`x${t}`} class="axis">
              <line x1={x(t)} x2={x(t)} y1={top} y2={bottom} class="grid" />
              <text x={x(t)} y={bottom + 17} text-anchor="middle">{t === 0 ? "free" : money(t)}</text>
            </g>
          ))}
          {y.ticks.map((t) => (
            <g key={`y${t}`} class="axis">
              <line x1={left} x2={right} y1={y(t)} y2={y(t)} class="grid" />
              <text x={left - 8} y={y(t) + 4} text-anchor="end">{Math.round(t * 100)} %</text>
            </g>
          ))}
          <path d={path} class="front-line" />
          {dial.map((p, i) => <circle key={i} cx={x(p.cost)} cy={y(p.quality)} r="2.5" class="front-stop" />)}
          {spots.map((s, i) => (
            <g key={s.name} class={`spot ${hovered && hovered.name !== s.name ? "dim" : ""}`} onMouseEnter={() => setHovered(s)} onMouseLeave={() => setHovered(null)}>
              <circle cx={x(s.cost)} cy={y(s.quality)} r={radius(s.share)} style={{ fill: color(s.name), stroke: color(s.name) }} class="spot-disc" />
              {labels[i]?.to && <line x1={labels[i].to.x} y1={labels[i].to.y} x2={labels[i].x} y2={labels[i].y - 4} class="spot-hair" />}
              {labels[i] && <text x={labels[i].x} y={labels[i].y} text-anchor={labels[i].anchor} class="spot-text">{short(s.name)}</text>}
            </g>
          ))}
          {traffic && <path d={`M${x(traffic.cost)} ${y(traffic.quality) - 8}l8 8-8 8-8-8z`} class="traffic-mark" />}
          {here && <circle cx={scale(10 ** glided[0]!)} cy={y(glided[1]!)} r="9" class="dial-ring" />}
          {here && <circle cx={scale(10 ** glided[0]!)} cy={y(glided[1]!)} r="3" class="dial-core" />}
          <text x={right} y={height - 6} text-anchor="end" class="axis-title">{width > 420 ? "USD per 1,000 requests (log scale)" : "USD per 1,000 (log)"}</text>
          <text x={left} y={height - 6} class="axis-title">↑ predicted quality</text>
        </svg>
      )}
      {hovered && (
        <div class="tip" style={{ transform: `translate(${Math.min(Math.max(0, x(hovered.cost) + 14), Math.max(0, width - 220))}px, ${Math.max(0, y(hovered.quality) - 76)}px)` }}>
          <div class="tip-head">{hovered.name}</div>
          <div class="tip-row"><span>Predicted quality</span><b>{percent(hovered.quality, 1)}</b></div>
          <div class="tip-row"><span>Per 1,000 requests</span><b>{money(hovered.cost)}</b></div>
          <div class="tip-row"><span>Answers</span><b>{percent(hovered.share)}</b></div>
        </div>
      )}
    </div>
  );
}

/** Of a long name its end, which tells more than the path before it; the tooltip and the table have the whole. */
const short = (name: string): string => (name.length > 30 ? `…${name.slice(-29)}` : name);

const radius = (share: number | null): number => 5 + 9 * Math.sqrt(Math.max(0, share ?? 0));

/** @param to The edge of the point, where a hair leads to it. */
interface Label { x: number; y: number; anchor: "start" | "end" | "middle"; to?: { x: number; y: number } }

/** Beside each point, where no other label or point is, else farther away and joined by a hair; a label that finds no room even there is left to the tooltip and the table. */
function place(points: { x: number; y: number; name: string; r: number }[], [left, right, top, bottom]: [number, number, number, number], also: number[][]): (Label | null)[] {
  const taken = points.map((p) => [p.x - p.r, p.y - p.r, p.x + p.r, p.y + p.r]);
  taken.push(...also.map(([x, y]) => [x! - 5, y! - 5, x! + 5, y! + 5]));

  return points.map((p, own) => {
    const w = p.name.length * 6.1;
    const far = [26, 44, 64, 90, 120].flatMap((d) => [-0.3, 0.3, -0.8, 0.8, -1.3, 1.3].flatMap((angle) => [1, -1].map((side): [Label, number] => {
      const at = { x: p.x + side * (p.r + d) * Math.cos(angle), y: p.y + (p.r + d) * Math.sin(angle) };
      return [{ x: at.x, y: at.y + 4, anchor: side > 0 ? "start" : "end", to: { x: p.x + side * p.r * Math.cos(angle), y: p.y + p.r * Math.sin(angle) } }, side > 0 ? at.x : at.x - w];
    })));
    const tries: [Label, number][] = [
      [{ x: p.x + p.r + 5, y: p.y + 4, anchor: "start" }, p.x + p.r + 5],
      [{ x: p.x - p.r - 5, y: p.y + 4, anchor: "end" }, p.x - p.r - 5 - w],
      [{ x: p.x, y: p.y - p.r - 6, anchor: "middle" }, p.x - w / 2],
      [{ x: p.x, y: p.y + p.r + 14, anchor: "middle" }, p.x - w / 2],
      [{ x: p.x + 4, y: p.y - p.r - 8, anchor: "start" }, p.x + 4],
      [{ x: p.x + 4, y: p.y + p.r + 16, anchor: "start" }, p.x + 4],
      [{ x: p.x - 4, y: p.y - p.r - 8, anchor: "end" }, p.x - 4 - w],
      [{ x: p.x - 4, y: p.y + p.r + 16, anchor: "end" }, p.x - 4 - w],
      ...far,
    ];
    for (const [label, start] of tries) {
      const box = [start, label.y - 11, start + w, label.y + 3] as const;
      const fits = box[0] >= left && box[2] <= right && box[1] >= top && box[3] <= bottom;
      if (fits && taken.every((t, i) => i === own || box[2] < t[0]! || box[0] > t[2]! || box[3] < t[1]! || box[1] > t[3]!)) {
        taken.push([...box]);
        return label;
      }
    }

    return null;
  });
}
