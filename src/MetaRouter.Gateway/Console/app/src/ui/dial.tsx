import { useId } from "preact/hooks";

/** The trade-off by hand: left is quality, right is thrift. A native slider, so that arrow keys, Home, End and touch are the browser's. */
export function Dial({ label, positions, at, onChange, said, marks = [] }: { label: string; positions: number; at: number; onChange: (at: number) => void; said: string; marks?: { at: number; text: string }[] }) {
  const id = useId();
  const share = positions > 1 ? at / (positions - 1) : 0;
  return (
    <div class="dial">
      <label for={id}>{label}</label>
      <div class="dial-track" style={{ "--at": `${share * 100}%` }}>
        <input id={id} type="range" min={0} max={positions - 1} step={1} value={at} aria-valuetext={said} onInput={(e) => onChange(Number(e.currentTarget.value))} />
        {marks.map((m) => (
          <span key={m.text} class="dial-mark" style={{ "--mark": m.at / Math.max(1, positions - 1) }} aria-hidden="true"><span>{m.text}</span></span>
        ))}
      </div>
      <div class="dial-ends" aria-hidden="true"><span>Quality</span><span>Thrift</span></div>
    </div>
  );
}

/** The position whose weight is nearest. */
export function nearest(lambdas: readonly number[], lambda: number): number {
  const at = (v: number) => Math.log(Math.max(v, 1e-4));
  let best = 0;
  lambdas.forEach((l, i) => {
    if (Math.abs(at(l) - at(lambda)) < Math.abs(at(lambdas[best]!) - at(lambda))) {
      best = i;
    }
  });
  return best;
}
