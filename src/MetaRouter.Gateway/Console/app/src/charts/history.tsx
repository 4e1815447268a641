import { significant, signal, weight } from "../format";
import type { Step } from "../api";
import { useWidth } from "../hooks";
import { log } from "./scale";

/** How each signal moved what is believed: the mean as steps inside its interval, newest at the right. */
export function History({ steps, at, onPoint, height = 220 }: { steps: Step[]; at: number | null; onPoint: (at: number | null) => void; height?: number }) {
  const [host, width] = useWidth<HTMLDivElement>();
  const [left, right, top, bottom] = [44, width - 14, 12, height - 26];
  const lows = steps.map((s) => Math.max(s.lambda_low, 1e-3)), highs = steps.map((s) => s.lambda_high);
  const y = log([Math.min(...lows) * 0.8, Math.max(...highs) * 1.25], [bottom, top], 24);
  const x = (i: number) => (steps.length < 2 ? (left + right) / 2 : left + (i / (steps.length - 1)) * (right - left));
  const line = (v: (s: Step) => number, reverse = false) => (reverse ? [...steps.keys()].reverse() : [...steps.keys()]).map((i) => `${x(i).toFixed(1)} ${y(v(steps[i]!)).toFixed(1)}`).join("L");
  const first = steps[0], last = steps.at(-1);
  return (
    <div ref={host} class="chart" style={{ height: `${height}px` }}>
      {width > 0 && first && last && (
        <svg width={width} height={height} role="img" aria-label={`The believed weight of cost after each of ${steps.length} signals: from ${weight(first.lambda_mean)} to ${weight(last.lambda_mean)}. The list beside it has each step.`}
          onMouseLeave={() => onPoint(null)}
          onMouseMove={(e) => onPoint(Math.max(0, Math.min(steps.length - 1, Math.round(((e.offsetX - left) / Math.max(1, right - left)) * (steps.length - 1)))))}>
          {y.ticks.map((t) => (
            <g key={t} class="axis">
              <line x1={left} x2={right} y1={y(t)} y2={y(t)} class="grid" />
              <text x={left - 8} y={y(t) + 4} text-anchor="end">{significant(t)}</text>
            </g>
          ))}
          <path d={`M${line((s) => s.lambda_high)}L${line((s) => s.lambda_low, true)}Z`} class="band" />
          <path d={`M${line((s) => s.lambda_mean)}`} class="density-line" />
          {steps.map((s, i) => {
            const before = steps[i - 1]?.lambda_mean ?? s.lambda_mean;
            const way = s.lambda_mean > before * 1.001 ? "thrift" : s.lambda_mean < before * 0.999 ? "quality" : "still";
            return <circle key={i} cx={x(i)} cy={y(s.lambda_mean)} r={i === at ? 6 : 3.5} class={`step ${way}`} />;
          })}
          {at !== null && steps[at] && <line x1={x(at)} x2={x(at)} y1={top} y2={bottom} class="acting" />}
          <text x={left} y={height - 6} class="axis-title">first signal</text>
          <text x={right} y={height - 6} text-anchor="end" class="axis-title">{at !== null && steps[at] ? `${signal(steps[at].kind, steps[at].value)}: λ ${weight(steps[at].lambda_mean)}` : "newest"}</text>
        </svg>
      )}
    </div>
  );
}
