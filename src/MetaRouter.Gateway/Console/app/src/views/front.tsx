import { useEffect, useMemo, useState } from "preact/hooks";
import type { Front } from "../api";
import { FrontChart } from "../charts/front";
import { giveColors } from "../colors";
import { count, money, NONE, percent, perThousand, several, weight, worth } from "../format";
import { to, useApi } from "../hooks";
import { Dial, nearest } from "../ui/dial";
import { DataTable, Empty, Model, Panel, Problem, Segmented, Shares, Skeleton } from "../ui/parts";

export function FrontView() {
  const [hours, setHours] = useState(24);
  const { data: front, error, reload } = useApi<Front>(`/v1/console/front?hours=${hours}`);
  const [at, setAt] = useState<number | null>(null);
  const lambdas = useMemo(() => front?.dial.map((d) => d.lambda) ?? [], [front]);
  useEffect(() => {
    if (front) {
      giveColors(front.models.map((m) => m.name));
      setAt((was) => (was !== null && was < front.dial.length ? was : front.traffic?.lambda != null ? nearest(front.dial.map((d) => d.lambda), front.traffic.lambda) : Math.floor(front.dial.length / 2)));
    }
  }, [front]);
  return (
    <>
      <div class="view-head">
        <div><h1>Quality and cost</h1><p class="lead">Where each model stands, where your traffic sits, and what another trade-off would have cost.</p></div>
        <Segmented label="Traffic of" options={[{ value: 1, label: "1 h" }, { value: 24, label: "24 h" }, { value: 168, label: "7 d" }]} value={hours} onChange={setHours} />
      </div>
      {error && !front ? <Problem error={error} retry={reload} /> : !front || at === null ? <div class="panel"><Skeleton height={520} /></div>
        : front.requests === 0 || front.dial.length === 0 ? <div class="panel"><Empty title="No traffic to decide again"><p>The picture is drawn from real requests and what was predicted of them. Send some, or try one in the <a href={to("playground")}>playground</a>.</p></Empty></div>
        : <Drawn front={front} at={Math.min(at, front.dial.length - 1)} setAt={setAt} lambdas={lambdas} />}
    </>
  );
}

function Drawn({ front, at, setAt, lambdas }: { front: Front; at: number; setAt: (at: number) => void; lambdas: number[] }) {
  const here = front.dial[at]!;
  const traffic = front.traffic;
  const shares = Object.entries(here.shares).filter(([, s]) => s > 0.0005).sort((a, b) => b[1] - a[1]);
  const meaning = worth(here.lambda, front.cost_scale_usd);
  const said = `weight of cost ${weight(here.lambda)}: quality ${percent(here.quality, 1)}, ${perThousand(here.cost_usd)} per 1,000 requests`;
  return (
    <div class="grid">
      <Panel title="Quality against cost" class="span-8" note={`${several(front.requests, "request")}, decided again at each position of the dial with the predictions they had`}
        table={() => (
          <>
            <DataTable caption="Models" head={["Model", "Predicted quality", "Per 1,000 requests", "Share"]} rows={front.models.map((m) => [m.name, percent(m.quality, 1), perThousand(m.cost_usd), percent(m.share)])} />
            <DataTable caption="The dial" head={["Weight of cost", "Predicted quality", "Per 1,000 requests"]} rows={front.dial.map((d) => [weight(d.lambda), percent(d.quality, 1), perThousand(d.cost_usd)])} />
          </>
        )}>
        <FrontChart front={front} at={at} />
        <ul class="key" aria-hidden="true"><li><span class="key-dot" />a model: the larger, the more it answers</li><li><span class="key-line" />one trade-off for everyone</li><li><span class="key-ring" />the one chosen beside</li><li><span class="key-diamond" />the traffic as it was</li></ul>
      </Panel>
      <Panel title="What if" class="span-4 what-if" note="One trade-off for everyone, on this traffic">
        <Dial label="Weight of cost" positions={front.dial.length} at={at} onChange={setAt} said={said} marks={traffic?.lambda != null ? [{ at: nearest(lambdas, traffic.lambda), text: "now" }] : []} />
        <p class="dial-value">λ {weight(here.lambda)}</p>
        {meaning && <p class="note">Somebody who {meaning}.</p>}
        <div class="two">
          <Figure label="Predicted quality" value={percent(here.quality, 1)} change={traffic?.quality != null ? here.quality - traffic.quality : null} text={(d) => `${d >= 0 ? "+" : "−"}${Math.abs(d * 100).toFixed(1)} points`} good={(d) => d >= 0} />
          <Figure label="Per 1,000 requests" value={perThousand(here.cost_usd)} change={traffic?.cost_usd ? here.cost_usd / traffic.cost_usd - 1 : null} text={(d) => `${d >= 0 ? "+" : "−"}${percent(Math.abs(d))}`} good={(d) => d <= 0} />
        </div>
        <p class="note">{traffic?.cost_usd != null ? <>Against the traffic as it was: {percent(traffic.quality, 1)} at {perThousand(traffic.cost_usd)}. {front.requests === 1 ? "It" : `All ${count(front.requests)}`}: {money(here.cost_usd * front.requests)} instead of {money(traffic.cost_usd * front.requests)}.</> : NONE}</p>
        <h3>Who would answer</h3>
        <Shares shares={shares} />
        <ul class="share-list">{shares.map(([name, s]) => <li key={name}><Model name={name} /><b>{percent(s)}</b></li>)}</ul>
      </Panel>
    </div>
  );
}

function Figure({ label, value, change, text, good }: { label: string; value: string; change: number | null; text: (d: number) => string; good: (d: number) => boolean }) {
  return (
    <div class="figure">
      <span class="tile-label">{label}</span>
      <span class="figure-value">{value}</span>
      {change !== null && <span class={`delta ${Math.abs(change) < 0.0005 ? "" : good(change) ? "good" : "bad"}`}>{text(change)}</span>}
    </div>
  );
}
