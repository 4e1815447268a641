// Bundles the console into ../dist: index.html and files named by their content. The same sources give the same bytes on any machine.
// `node build.mjs --check` builds into memory and fails where ../dist differs.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..", "dist");

// What is shipped carries the licences of what it is made of.
const licences = ["preact", "uplot"].map((name) => `/*! ${name}\n${readFileSync(join(here, "node_modules", name, "LICENSE"), "utf8").trim().replaceAll("\r\n", "\n")}\n*/`).join("\n");

async function bundle(entry, format) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    outdir: "out",
    bundle: true,
    write: false,
    minify: true,
    format,
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    ...(format === "esm" && { banner: { js: licences } }),
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "warning",
  });
  return Object.fromEntries(outputFiles.map((f) => [f.path.slice(f.path.lastIndexOf(".") + 1), Buffer.from(f.contents)]));
}

const files = new Map();
function keep(name, extension, bytes) {
  const file = `${name}-${createHash("sha256").update(bytes).digest("hex").slice(0, 10)}.${extension}`;
  files.set(file, bytes);
  return `/console/${file}`;
}

const main = await bundle("src/main.tsx", "esm");
const theme = await bundle("src/theme-early.ts", "iife");
const names = {
  SCRIPT: keep("console", "js", main.js),
  STYLE: keep("console", "css", main.css),
  THEME: keep("theme", "js", theme.js),
  ICON: keep("icon", "svg", readFileSync(join(here, "src", "icon.svg"))),
};
const page = readFileSync(join(here, "src", "index.html"), "utf8").replace(/\$([A-Z]+)/g, (_, name) => names[name]);
files.set("index.html", Buffer.from(page));

if (process.argv.includes("--check")) {
  const found = readdirSync(dist).sort();
  const different = [...new Set([...found, ...files.keys()])].filter((f) => !files.has(f) || !found.includes(f) || !readFileSync(join(dist, f)).equals(files.get(f)));
  if (different.length > 0) {
    console.error(`dist is not what the sources give: ${different.join(", ")}. Run npm ci && npm run build, and commit dist.`);
    process.exit(1);
  }
} else {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  for (const [name, bytes] of files) {
    writeFileSync(join(dist, name), bytes);
  }
}

for (const [name, bytes] of files) {
  console.log(`${name}  ${(bytes.length / 1024).toFixed(1)} kB`);
}
