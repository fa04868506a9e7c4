// Fails when the built script is over its budget: what index.html loads, and
// the parts that are loaded when they are first needed, each gzipped as a
// server would send it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const firstBudget = 60 * 1024;
// Live view, loaded when it is first pointed at.
const liveBudget = 14 * 1024;
// hls.js nearly alone; loaded with the first video where the browser needs it.
const lazyBudget = 180 * 1024;
const dist = new URL("../dist/", import.meta.url).pathname;

let files, page;
try {
  files = readdirSync(dist, { recursive: true }).map(String);
  page = readFileSync(join(dist, "index.html"), "utf8");
} catch {
  console.error("size: there is no dist folder yet; run npm run build first");
  process.exit(1);
}
const gzipped = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
const total = (list) => list.reduce((sum, f) => sum + gzipped(f), 0);
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;

const scripts = files.filter((f) => f.endsWith(".js"));
// The page names its entry and, as modulepreload, all that this imports.
const isFirst = (f) => page.includes(f.replaceAll("\\", "/"));
const first = total(scripts.filter(isFirst));
const isLive = (f) => /(^|\/)Live/.test(f);
const live = total(scripts.filter((f) => !isFirst(f) && isLive(f)));
const lazy = total(scripts.filter((f) => !isFirst(f) && !isLive(f)));
if (first === 0) {
  console.error("size: dist holds no script; run npm run build again");
  process.exit(1);
}
console.log(
  `script ${kb(first)} gzipped of ${kb(firstBudget)}, live view ${kb(live)} of ${kb(liveBudget)}, later ${kb(lazy)} of ${kb(lazyBudget)}; ` +
    `styles ${kb(total(files.filter((f) => f.endsWith(".css"))))}`,
);
for (const [what, size, budget] of [["first script", first, firstBudget], ["live view's script", live, liveBudget], ["script loaded later", lazy, lazyBudget]]) {
  if (size <= budget) continue;
  console.error(`size: the ${what} is ${kb(size - budget)} over its budget`);
  process.exitCode = 1;
}
