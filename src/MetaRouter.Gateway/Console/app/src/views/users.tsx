import { useState } from "preact/hooks";
import type { UserLine } from "../api";
import { count, money } from "../format";
import { to, useApi } from "../hooks";
import { useSession } from "../session";
import { Ago, asCards, Empty, Model, Panel, Problem, Skeleton } from "../ui/parts";

const MOST = 100;

export function UsersView() {
  const session = useSession();
  const [id, setId] = useState("");
  // No address can name these two: browsers and servers take them for folders.
  const can = !["", ".", ".."].includes(id.trim());
  const { data, error, reload } = useApi<{ users: UserLine[] }>(`/v1/console/users?limit=${MOST}`, 15);
  return (
    <>
      <div class="view-head"><div><h1>Users</h1><p class="lead">What is believed of each user's trade-off, and how it came to be believed.</p></div></div>
      <form class="lookup panel" role="search" onSubmit={(e) => { e.preventDefault(); if (can) { location.hash = to("users", id.trim()); } }}>
        <label for="user-id">Open a user</label>
        <div class="lookup-row">
          <input id="user-id" type="search" value={id} placeholder="the id your application sends" maxLength={256} onInput={(e) => setId(e.currentTarget.value)} />
          <button type="submit" class="button primary" disabled={!can}>Open</button>
        </div>
        <p class="note">{session.demo ? "The demo's users go by their names here." : "No raw id is stored: the list below knows users by pseudonym, and only you can open one by its id."}</p>
      </form>
      <Panel title="Most active of late" note={data?.users.length === MOST ? `The ${MOST} with the most requests; any other opens by its id` : undefined}>
        {error && !data ? <Problem error={error} retry={reload} /> : !data ? <Skeleton lines={8} /> : data.users.length === 0 ? <Empty title="No user since the gateway started" icon="users">What was learned of earlier ones is kept: open them by their id. To see users here, send requests with <code>safety_identifier</code>, <code>user</code> or the header <code>x-router-user</code>; users without a name are routed for the population.</Empty> : (
          <div class="scroll-x" tabIndex={0} role="region" aria-label="Users, table">
            <table class="data" ref={(t) => asCards(t)}>
              <thead><tr><th scope="col">User</th><th scope="col">Mostly answered by</th><th scope="col" class="num">Requests</th><th scope="col" class="num">Spent</th><th scope="col" class="num">Signals</th><th scope="col" class="num">Last</th></tr></thead>
              <tbody>
                {data.users.map((u) => (
                  <tr key={u.user}>
                    <th scope="row"><a href={to("users", u.name ?? `~${u.user}`)} class={u.name ? "" : "mono"}>{u.name ?? u.user}</a></th>
                    <td>{u.top_model ? <Model name={u.top_model} /> : "–"}</td>
                    <td class="num">{count(u.requests)}</td>
                    <td class="num">{money(u.spent_usd)}</td>
                    <td class="num">{count(u.signals)}</td>
                    <td class="num"><Ago at={u.last} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
    </>
  );
}
