// What the browser tests share: runs of the built program, and a browser without a network that
// remembers every error and every request of a page.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { after } from "node:test";

export const ROOT = path.resolve(
  import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
  "../..",
);
const NPM = path.join(ROOT, "build/browser");
const ARTIFACTS = process.env.ARTIFACTS ?? path.join(ROOT, "build/dev/artifacts/browser");
const SKIPPED = 77;
const PATIENCE_MS = 20000;

function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(SKIPPED);
}

function findBrowser() {
  for (const name of ["chromium-headless-shell", "chromium"]) {
    try {
      return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // The other one may be there.
    }
  }
  return skip("chromium-headless-shell is not installed");
}

if (!fs.existsSync(path.join(NPM, "installed"))) {
  const reason = path.join(NPM, "missing");
  skip(
    fs.existsSync(reason)
      ? fs.readFileSync(reason, "utf8").trim()
      : "build/browser is missing; try: ./check",
  );
}
const executablePath = findBrowser();
const installed = createRequire(path.join(NPM, "package.json"));
const { chromium } = installed("playwright-core");
export const AXE = fs.readFileSync(installed.resolve("axe-core/axe.min.js"), "utf8");

/** The release build where there is one, for runs are not what is tested here. */
function program() {
  const release = path.join(ROOT, "build/release/ikelab");
  return fs.existsSync(release)
    ? release
    : (process.env.IKELAB ?? path.join(ROOT, "build/dev/ikelab"));
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ikelab-browser-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

export function ikelab(...words) {
  return execFileSync(program(), words, {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** A run folder of a scenario, by name or path. A threshold that fails is no error here. */
export function run(scenario, ...words) {
  const target = path.join(
    folder,
    `${path.basename(scenario, ".yaml")}-${fs.readdirSync(folder).length}`,
  );
  const file = scenario.includes("/") ? scenario : `scenarios/${scenario}.yaml`;
  try {
    ikelab("run", file, "-o", target, ...words);
  } catch (error) {
    if (error.status !== 3) throw new Error(`ikelab run ${file}: ${error.stderr}`);
  }
  return target;
}

/** The path of a file of the test's own. */
export function scratchPath(name) {
  return path.join(folder, name);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
after(() => browser.close());

/** Processor time that each renderer of the browser has taken until now: {process: ms}. */
export async function rendererTimes() {
  const meter = await browser.newBrowserCDPSession();
  const { processInfo } = await meter.send("SystemInfo.getProcessInfo");
  await meter.detach();
  return new Map(
    processInfo.filter((one) => one.type === "renderer").map((one) => [one.id, 1000 * one.cpuTime]),
  );
}

/** A page of a report. `page.check()` throws if anything went wrong or anywhere else was asked. */
export async function open(file, { hash = "", ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1500, height: 1100 },
    offline: true,
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.stack ?? error}`));
  page.on(
    "console",
    (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`),
  );
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== `file://${file}`) wrong.push(`request: ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(`file://${file}${hash}`);
  await page.waitForSelector(".explorer");
  page.check = () => {
    if (wrong.length) throw new Error(wrong.join("\n"));
  };
  return page;
}

/** A picture of the page, kept for people to look at. */
export async function picture(page, name) {
  fs.mkdirSync(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: path.join(ARTIFACTS, `${name}.png`) });
}

/** The page after its next drawing, with what it unpacks for it: a panel that waits for that says so. */
export async function drawn(page) {
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
}
