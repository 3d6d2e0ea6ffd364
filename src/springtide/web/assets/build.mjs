// Builds ../static from this folder: stylesheet, scripts, and a manifest that says which file
// has which name. Names carry a hash of the content, so browsers may keep files for a year.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = import.meta.dirname;
const out = path.join(here, "..", "static");
const vendor = (name) => readFileSync(path.join(here, "node_modules", name));
const own = (name) => readFileSync(path.join(here, name));

function stylesheet() {
  const folder = mkdtempSync(path.join(tmpdir(), "springtide-"));
  const file = path.join(folder, "pages.css");
  const cli = path.join(here, "node_modules/@tailwindcss/cli/dist/index.mjs");
  execFileSync(process.execPath, [cli, "-i", "pages.css", "-o", file, "--minify"], {
    cwd: here,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const css = readFileSync(file);
  rmSync(folder, { recursive: true });
  return Buffer.concat([css, vendor("uplot/dist/uPlot.min.css")]);
}

const files = {
  "pages.css": stylesheet(),
  "htmx.js": vendor("htmx.org/dist/htmx.min.js"),
  "alpine.js": vendor("@alpinejs/csp/dist/cdn.min.js"),
  "uplot.js": vendor("uplot/dist/uPlot.iife.min.js"),
  "echarts.js": vendor("echarts/dist/echarts.common.min.js"),
  "parts.js": own("parts.js"),
  "curve.js": own("curve.js"),
  "console.js": own("console.js"),
  "mark.svg": own("mark.svg"),
};

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const manifest = {};
for (const [name, content] of Object.entries(files)) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const { name: stem, ext } = path.parse(name);
  const hashed = `${stem}.${hash}${ext}`;
  const file = path.join(out, hashed);
  writeFileSync(file, content);
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params }));
  manifest[name] = hashed;
}
writeFileSync(path.join(out, "manifest.json"), JSON.stringify(manifest, null, 1) + "\n");
