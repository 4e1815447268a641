#!/usr/bin/env node
// Has Prometheus' own parser read every query of the alerts and of the dashboard (infra/grafana/metarouter.json), so that a typing mistake is found here, and plays alerts.test.yaml.
// usage: node infra/prometheus/check.mjs [PROMTOOL]; needs node and promtool (apt-get install prometheus, or any release of Prometheus)
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url)), promtool = process.argv[2] ?? "promtool";
const dashboard = JSON.parse(readFileSync(join(here, "..", "grafana", "metarouter.json"), "utf8"));

/** What Grafana puts in place of its variables; $job and $instance stand in matchers of regular expressions. */
const filled = (query) => query.replace(/\$__(rate_interval|range|interval)/g, "5m").replace(/\$(job|instance)/g, ".*");
const queries = [
  ...dashboard.panels.flatMap((p) => [p, ...(p.panels ?? [])]).flatMap((p) => (p.targets ?? []).map((t) => t.expr)),
  ...dashboard.annotations.list.map((a) => a.expr).filter(Boolean),
  ...dashboard.templating.list.map((v) => /^label_values\((.*), \w+\)$/.exec(v.definition ?? "")?.[1]).filter(Boolean),
].map(filled);
const unfilled = queries.filter((q) => q.includes("$"));
if (queries.length === 0 || unfilled.length > 0) {
  console.error(unfilled.length > 0 ? `Variables this check does not know: ${unfilled.join("; ")}` : "The dashboard has no query.");
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), "rules-"));
try {
  const rules = queries.map((expr, i) => ({ record: `dashboard:query${i}`, expr }));
  writeFileSync(join(folder, "dashboard.yaml"), JSON.stringify({ groups: [{ name: "dashboard", rules }] })); // JSON is YAML
  for (const file of [join(here, "alerts.yaml"), join(folder, "dashboard.yaml")]) {
    execFileSync(promtool, ["check", "rules", file], { stdio: "inherit" });
  }

  execFileSync(promtool, ["test", "rules", join(here, "alerts.test.yaml")], { stdio: "inherit" });
} finally {
  rmSync(folder, { recursive: true });
}
