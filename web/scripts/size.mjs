// Fails when the built script is over its budget. The sum of every .js file
// in dist, gzipped as a server would send it, lazy parts included.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const budget = 60 * 1024;
const dist = new URL("../dist/", import.meta.url).pathname;

let files;
try {
  files = readdirSync(dist, { recursive: true }).map(String);
} catch {
  console.error("size: there is no dist folder yet; run npm run build first");
  process.exit(1);
}
const gzipped = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
const total = (end) => files.filter((f) => f.endsWith(end)).reduce((sum, f) => sum + gzipped(f), 0);
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;

const script = total(".js");
if (script === 0) {
  console.error("size: dist holds no script; run npm run build again");
  process.exit(1);
}
console.log(`script ${kb(script)} gzipped of ${kb(budget)}; styles ${kb(total(".css"))}`);
if (script > budget) {
  console.error(`size: the script is ${kb(script - budget)} over its budget`);
  process.exit(1);
}
