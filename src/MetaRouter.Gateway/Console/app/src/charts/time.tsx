import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock } from "../format";
import { useThemeTurn, useWidth } from "../hooks";
import { ink } from "../theme";

export interface Line { label: string; values: (number | null)[]; ink: () => string; shape?: "line" | "bars" | "area"; dash?: boolean }

/** Values over time (seconds) or over a plain count. Bars are stacked, the first at the bottom; a band is filled between two lines. */
export function Chart({ x, lines, unit, height = 220, said, band, plain = false, xUnit = "", xLabel = "" }: { x: number[]; lines: Line[]; unit: (v: number) => string; height?: number; said: string; band?: [number, number, () => string]; plain?: boolean; xUnit?: string; xLabel?: string }) {
  const [host, width] = useWidth<HTMLDivElement>();
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ lines, unit, band, x });
  latest.current = { lines, unit, band, x };
  const turn = useThemeTurn();
  const shape = lines.map((l) => `${l.label}:${l.shape}`).join("|");

  useEffect(() => {
    if (width === 0) {
      return;
    }

    const made = new uPlot(options(width, height, latest, plain, xUnit, xLabel), data(x, lines), host.current!);
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [shape, turn, width > 0, height]);
  useEffect(() => {
    if (plot.current && width > 0 && plot.current.width !== width) {
      plot.current.setSize({ width, height });
    }
  }, [width]);
  useEffect(() => {
    plot.current?.setData(data(x, lines));
  }, [x, lines]);
  return <div ref={host} class="chart" style={{ height: `${height}px` }} role="img" aria-label={said} />;
}

interface Latest { current: { lines: Line[]; unit: (v: number) => string; band: [number, number, () => string] | undefined; x: number[] } }

/** Bars are drawn from the tallest sum down, so that each lower one covers its part. */
function data(x: number[], lines: Line[]): uPlot.AlignedData {
  const sums = new Array<number>(x.length).fill(0);
  const columns = lines.map((l) => (l.shape === "bars" ? l.values.map((v, i) => (sums[i] = sums[i]! + (v ?? 0))) : l.values));
  return [x, ...columns.reverse()] as uPlot.AlignedData;
}

function options(width: number, height: number, latest: Latest, plain: boolean, xUnit: string, xLabel: string): uPlot.Options {
  const { lines, band } = latest.current;
  const muted = () => ink("--muted");
  const font = "11px " + getComputedStyle(document.body).fontFamily;
  const bars = uPlot.paths.bars!({ size: [0.78, 40], gap: 0 });
  const grid = { stroke: () => ink("--grid"), width: 1 };
  const y = { size: (_: uPlot, values: string[] | null) => Math.max(54, ...(values ?? []).map((v) => v.length * 6.3 + 14)), stroke: muted, font, gap: 6, space: 34, grid, ticks: { show: false }, values: (_: uPlot, splits: number[]) => splits.map((v) => latest.current.unit(v)) };
  return {
    width,
    height,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7, show: lines.every((l) => l.shape !== "bars") } },
    scales: {
      x: { time: !plain, ...(lines.some((l) => l.shape === "bars") ? { range: (u: uPlot, low: number, high: number) => [low - half(u), high + half(u)] as [number, number] } : {}) },
      y: { range: (_: uPlot, low: number, high: number) => [Math.min(0, low ?? 0), Math.max(high ?? 1, 1e-9) * 1.08] },
    },
    axes: [
      { stroke: muted, font, ...(xLabel ? { label: xLabel, labelFont: font, labelSize: 18, labelGap: 2 } : {}), size: 28, gap: 6, space: 64, grid: { show: false }, ticks: { show: false }, values: (u: uPlot, splits: number[]) => splits.map((v) => (plain ? (Number.isInteger(v) ? String(v) : "") : clock(v * 1000).slice(0, span(u) < 600 ? 8 : 5))) },
      y,
    ],
    series: [
      {},
      ...[...lines].reverse().map((l) => ({
        label: l.label,
        stroke: () => l.ink(),
        width: l.shape === "bars" ? 0 : 2,
        points: { show: (u: uPlot, i: number) => l.shape !== "bars" && (u.data[i] as (number | null)[]).filter((v) => v !== null).length === 1, size: 6, fill: () => l.ink() }, // one value alone makes no line
        spanGaps: true,
        ...(l.dash ? { dash: [5, 4] } : {}),
        ...(l.shape === "bars" ? { paths: bars, fill: () => l.ink() } : {}),
        ...(l.shape === "area" ? { fill: () => faded(l.ink()) } : {}),
      })),
    ],
    ...(band ? { bands: [{ series: [lines.length - band[0], lines.length - band[1]] as uPlot.Band.Bounds, fill: () => band[2]() }] } : {}),
    plugins: [tooltip(latest, plain, xUnit)],
  };
}

const span = (u: uPlot): number => (u.data[0].at(-1) ?? 0) - (u.data[0][0] ?? 0);

function half(u: uPlot): number {
  const x = u.data[0];
  return x.length > 1 ? (x[1]! - x[0]!) / 2 : 30;
}

const faded = (hex: string): string => (/^#[0-9a-f]{6}$/i.test(hex) ? `${hex}26` : hex);

function tooltip(latest: Latest, plain: boolean, xUnit: string): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = "tip in-chart";
  box.hidden = true;
  return {
    hooks: {
      init: (u) => {
        u.over.append(box);
      },
      setCursor: (u) => {
        const { lines, unit, x } = latest.current;
        const i = u.cursor.idx;
        box.hidden = i === null || i === undefined || u.cursor.left! < 0;
        if (box.hidden) {
          return;
        }

        const told = lines.map((l) => ({ ...l, value: l.values[i!] })).filter((l) => l.value !== null && l.value !== undefined && (l.shape !== "bars" || l.value > 0)).reverse();
        const head = document.createElement("div");
        head.className = "tip-head";
        head.textContent = plain ? `${xUnit} ${x[i!]}` : clock(x[i!]! * 1000);
        box.replaceChildren(head, ...told.map((l) => {
          const row = document.createElement("div");
          row.className = "tip-row";
          const [dot, name, value] = [document.createElement("span"), document.createElement("span"), document.createElement("b")];
          dot.className = "dot";
          dot.style.background = l.ink();
          name.textContent = l.label;
          value.textContent = unit(l.value!);
          row.append(dot, name, value);
          return row;
        }));
        const left = u.cursor.left!;
        const room = u.over.clientWidth;
        const place = left > room / 2 ? left - box.offsetWidth - 12 : left + 12;
        box.style.transform = `translate(${Math.max(-40, Math.min(place, room - box.offsetWidth))}px, 4px)`;
      },
    },
  };
}
