// Takes the pictures of docs/img. Argument: {"url","out","chromium"} of a demo that has run for a while; prints {"pictures":[...]}.
import { chromium } from "playwright-core";

const { url, out, chromium: executablePath } = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"] });
const pictures = [];

async function get(path) {
  return (await fetch(url + path)).json();
}

const users = (await get("/v1/console/users?limit=50")).users.sort((a, b) => b.signals - a.signals);
const decisions = (await get("/v1/console/decisions?limit=200")).decisions;
const decision = decisions.find((d) => d.reason === "comparison" && d.signals > 0) ?? decisions[0];
const VIEWS = { overview: "overview", front: "front", decisions: "decisions", decision: `decisions/${encodeURIComponent(decision.id)}`, user: `users/${encodeURIComponent(users[0].name ?? `~${users[0].user}`)}`, learning: "learning", playground: "playground", models: "models" };

async function take(names, colorScheme, phone = false) {
  const context = await browser.newContext({ viewport: phone ? { width: 390, height: 844 } : { width: 1440, height: 900 }, isMobile: phone, hasTouch: phone, colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  for (const name of names) {
    await page.goto(`${url}/#/${VIEWS[name]}`);
    await page.waitForFunction(() => document.querySelector("h1") && !document.querySelector(".skeleton"));
    if (name === "playground" && !phone) {
      await page.getByLabel("User", { exact: true }).fill("you");
      for (let i = 0; i < 3; i++) {
        await page.getByRole("button", { name: i ? "Ask again" : "Ask for two answers" }).click();
        await page.getByRole("button", { name: /^Prefer the answer of/ }).last().click();
        await page.getByText("Your choice was learned").waitFor();
      }
    }

    await page.evaluate(() => scrollTo(0, 0));
    await page.waitForTimeout(name === "overview" ? 3000 : 700);
    const file = `console-${name}${colorScheme === "dark" ? "-dark" : ""}${phone ? "-phone" : ""}.png`;
    await page.screenshot({ path: `${out}/${file}` });
    pictures.push(file);
  }

  await context.close();
}

await take(Object.keys(VIEWS), "light");
await take(["overview", "front", "user"], "dark");
await take(["overview", "front", "user"], "light", true);
await browser.close();
process.stdout.write(JSON.stringify({ pictures }));
