/** The shape of the last while, without axes: the figure above it says the value. */
export function Spark({ values, tone = "accent" }: { values: (number | null)[]; tone?: string }) {
  const known = values.filter((v): v is number => v !== null);
  if (known.length < 2) {
    return <span class="spark" />;
  }

  const [w, h] = [120, 28];
  const low = Math.min(...known), span = Math.max(...known) - low || 1;
  const points = values.flatMap((v, i) => (v === null ? [] : [`${((i / (values.length - 1)) * w).toFixed(1)} ${(h - 3 - ((v - low) / span) * (h - 6)).toFixed(1)}`]));
  return (
    <svg class={`spark ${tone}`} viewBox={`0 0 ${w} ${h}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={`M${points.join("L")}`} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
