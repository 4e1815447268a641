// What is shipped, of whom it comes and under which licence: writes docs/sbom.cdx.json (CycloneDX 1.6) and docs/THIRD-PARTY-NOTICES.md from the lock files and the packages' own
// metadata. The same lock files give the same bytes.
// usage: node infra/supply-chain.mjs [--check]     --check: fails where the files differ from what would be written
// Needs the packages: dotnet restore MetaRouter.Cluster.sln && dotnet restore src/MetaRouter.Silo -p:UseOrleans=true && npm ci --prefix src/MetaRouter.Gateway/Console/app
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const nuget = process.env.NUGET_PACKAGES ?? join(homedir(), ".nuget", "packages");
const app = "src/MetaRouter.Gateway/Console/app";
const read = (path) => readFileSync(path, "utf8").replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
const json = (path) => JSON.parse(read(join(root, path)));
const byName = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const missing = [];

// Told of no package itself, or only by address: the text is the licence's own, with the package's line of copyright.
const mit = (copyright) => `MIT License

${copyright}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

function nugetPackages() {
  const files = [...readdirSync(join(root, "src")).map((project) => join("src", project)), "aspire/MetaRouter.ServiceDefaults"].flatMap((folder) => readdirSync(join(root, folder)).map((f) => join(folder, f)));
  const lockFiles = files.filter((f) => /packages(\.\w+)?\.lock\.json$/.test(f)).sort(byName);
  const tools = new Set(files.filter((f) => f.endsWith(".csproj")).flatMap((f) => [...read(join(root, f)).matchAll(/PackageReference Include="([^"]+)" PrivateAssets="all"/g)].map((m) => m[1])));
  const found = new Map();
  for (const file of lockFiles) {
    for (const packages of Object.values(json(file).dependencies)) {
      const resolved = new Map(Object.entries(packages).filter(([, p]) => p.type !== "Project").map(([name, p]) => [name.toLowerCase(), `pkg:nuget/${name}@${p.resolved}`]));
      for (const [name, p] of Object.entries(packages)) {
        if (p.type !== "Project") {
          const purl = `pkg:nuget/${name}@${p.resolved}`;
          const one = found.get(purl) ?? { purl, name, version: p.resolved, scope: tools.has(name) ? "excluded" : "required", hash: Buffer.from(p.contentHash, "base64").toString("hex"), needs: new Set() };
          Object.keys(p.dependencies ?? {}).forEach((d) => resolved.has(d.toLowerCase()) && one.needs.add(resolved.get(d.toLowerCase())));
          found.set(purl, one);
        }
      }
    }
  }
  return [...found.values()].map((p) => {
    const folder = join(nuget, p.name.toLowerCase(), p.version);
    if (!existsSync(folder)) {
      missing.push(`${p.name} ${p.version}`);
      return p;
    }
    const files = readdirSync(folder);
    const nuspec = read(join(folder, files.find((f) => f.endsWith(".nuspec"))));
    const value = (tag) => nuspec.match(new RegExp(`<${tag}[^>]*>([^<]*)</${tag}>`))?.[1].replaceAll("&amp;", "&").replaceAll("&lt;", "<").replaceAll("&gt;", ">").trim();
    const text = (pattern) => files.filter((f) => pattern.test(f)).map((f) => read(join(folder, f)).trim())[0];
    return { ...p, licence: nuspec.match(/<license type="expression">([^<]+)</)?.[1], copyright: value("copyright") ?? `Copyright (c) ${value("authors")}`, url: value("projectUrl"), text: text(/^licen[cs]e(\.(txt|md))?$/i), notices: text(/^third-party-notices\.txt$/i) };
  });
}

function npmPackages() {
  return Object.entries(json(`${app}/package-lock.json`).packages).filter(([path]) => path !== "").map(([path, p]) => {
    const name = path.replace(/^.*node_modules\//, "");
    const one = { purl: `pkg:npm/${name.replace("@", "%40")}@${p.version}`, name, version: p.version, scope: p.dev ? "excluded" : "required", hash: Buffer.from(p.integrity.replace("sha512-", ""), "base64").toString("hex"), needs: new Set(), licence: p.license };
    if (one.scope === "required") {
      const folder = join(root, app, path);
      if (!existsSync(folder)) {
        missing.push(`npm ${name} ${p.version}`);
        return one;
      }
      const own = JSON.parse(read(join(folder, "package.json")));
      one.url = own.homepage;
      one.text = read(join(folder, "LICENSE")).trim();
      one.copyright = one.text.match(/^Copyright.*$/m)[0];
    }
    return one;
  });
}

const packages = [...nugetPackages(), ...npmPackages()].sort((a, b) => byName(a.purl.toLowerCase(), b.purl.toLowerCase()));
if (missing.length > 0) {
  console.error(`Not restored: ${missing.join(", ")}. Run the commands in this file's head first.`);
  process.exit(1);
}
const unlicensed = packages.filter((p) => !p.licence);
if (unlicensed.length > 0) {
  console.error(`No licence expression: ${unlicensed.map((p) => p.purl).join(", ")}. Look the licence up, or do without the package.`);
  process.exit(1);
}

const snapshot = readFileSync(join(root, "src/MetaRouter.Core/Snapshots/default.mrsnap"));
const snapshotText = read(join(root, "src/MetaRouter.Core/Snapshots/default.txt"));
const bom = {
  $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  version: 1,
  metadata: { component: { type: "application", "bom-ref": "metarouter", name: "MetaRouter" } },
  components: [
    { type: "machine-learning-model", "bom-ref": "default.mrsnap", name: "default.mrsnap", version: snapshotText.match(/^version\s+(\w+)$/m)[1], scope: "required", hashes: [{ alg: "SHA-256", content: createHash("sha256").update(snapshot).digest("hex") }] },
    ...packages.map((p) => ({ type: "library", "bom-ref": p.purl, name: p.name, version: p.version, scope: p.scope, hashes: [{ alg: "SHA-512", content: p.hash }], licenses: [{ license: { id: p.licence } }], purl: p.purl })),
  ],
  dependencies: packages.map((p) => ({ ref: p.purl, dependsOn: [...p.needs].sort(byName) })),
};

const shipped = packages.filter((p) => p.scope === "required");
const gathered = new Map();
function gather(title, text, name) {
  const one = gathered.get(text) ?? { title, names: [] };
  one.names.push(name);
  gathered.set(text, one);
}
const apache = shipped.find((p) => p.licence === "Apache-2.0" && p.text)?.text;
for (const p of shipped) {
  const text = p.text ?? (p.licence === "MIT" ? mit(p.copyright) : p.licence === "Apache-2.0" ? apache : undefined);
  if (!text) {
    console.error(`${p.name} ${p.version} brings no text of its licence, ${p.licence}, and there is none here; add it.`);
    process.exit(1);
  }
  gather(p.licence, text, `${p.name} ${p.version}`);
}
for (const p of shipped.filter((one) => one.notices)) {
  gather("Notices that packages bring with them", p.notices, `${p.name} ${p.version}`);
}
const notices = `# Third-party notices

What MetaRouter ships that others made: the packages in its assemblies' folders (those of the cluster's form, too) and what is bundled into the console's script. The program also needs .NET and ASP.NET Core (MIT), which are installed beside it or are in the base image.
Written by \`node infra/supply-chain.mjs\` from the lock files and the packages' own metadata; [sbom.cdx.json](sbom.cdx.json) has hashes, dependencies and what is only used to build.

| package | version | licence | copyright |
|---|---|---|---|
${shipped.map((p) => `| ${p.url ? `[${p.name}](${p.url})` : p.name} | ${p.version} | ${p.licence} | ${p.copyright.replaceAll("|", "\\|").replace(/\s+/g, " ")} |`).join("\n")}

The default snapshot, \`default.mrsnap\`, holds weights learned from these data sets and no row of them: MMLU-Pro (Apache-2.0), ZeroEval (Apache-2.0), RouterBench (MIT), LLMRouter (MIT), RouteLLM (Apache-2.0), WildBench (Apache-2.0), Arena-Hard (Apache-2.0).

# Licences
${[...gathered].map(([text, one]) => `\n## ${one.title}: ${one.names.join(", ")}\n\n\`\`\`text\n${text.replaceAll("```", "'''")}\n\`\`\`\n`).join("")}`;

const files = new Map([["docs/sbom.cdx.json", JSON.stringify(bom, null, 1) + "\n"], ["docs/THIRD-PARTY-NOTICES.md", notices]]);
for (const [path, text] of files) {
  if (!process.argv.includes("--check")) {
    writeFileSync(join(root, path), text);
  } else if (!existsSync(join(root, path)) || read(join(root, path)) !== text) {
    console.error(`${path} is not what the lock files give. Run node infra/supply-chain.mjs and commit it.`);
    process.exitCode = 1;
  }
}
console.log(`${shipped.length} packages shipped, ${packages.length - shipped.length} only used to build; licences: ${[...new Set(shipped.map((p) => p.licence))].sort(byName).join(", ")}.`);
