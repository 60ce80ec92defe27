#!/usr/bin/env node
// Makes the pictures of README and docs/lessons: runs the scenario, opens its report in headless
// Chromium, goes to the moment, and keeps a part of the page.
//
// usage: docs/pictures/make.mjs [NAME...]     all pictures, or those whose name is given
//
// Needs build/release/ikelab, what the browser tests need (./check installs it) and pngquant.
// A lesson's picture is what "show me" of one of its questions leads to, the first one if LESSONS
// does not say otherwise: `q` is the question, `hash` what is different then, `height` how much of it,
// `part` which element, `width` and `window` the size of the browser's window.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.resolve(HERE, "../..");
const IKELAB = path.join(ROOT, "build/release/ikelab");
const WIDTH = 1400; //   px, of the window
const HEIGHT = 560; //   px, of a lesson's picture
const COLOURS = "64"; // enough for a page that has few
const LARGEST = 120e3; // octets of one picture

const LESSONS = {
  "aggressive-psk-leak": { q: 2, hash: "t=0.03&m=1" },
  "break-before-make": { hash: "t=61.2" },
  "certificate-expires": { q: 3 },
  "delete-lost": { q: 2 },
  "double-nat": { q: 2 },
  "esp-follows-late": { hash: "t=22.2&tab=nat" },
  "first-rekey-fails": { q: 2, hash: "t=3328.84" },
  hairpin: { part: ".picture", width: 1000, hash: "t=0.09" },
  "half-open-limit": { q: 2, hash: "t=4.02" },
  "hard-expiry": { q: 2 },
  "ip-fragments": { q: 2, hash: "t=0.08" },
  "ikev1-vs-ikev2": { hash: "t=0.2&m=4" },
  "keepalive-is-not-dpd": { hash: "t=45" },
  "main-psk-behind-nat": { q: 3 },
  "mixed-fleet-migration": { q: 2, hash: "t=24.2" },
  "mtu-black-hole": { hash: "t=0.08&m=7" },
  "nat-binding-timeout": { hash: "t=39" },
  "nat-reboot": { hash: "t=20.6" },
  "non-esp-marker": { hash: "t=0.05" },
  "port-4500": { hash: "t=4.1" },
  "quick-mode-storm": { q: 2 },
  "rekey-collision": { q: 2 },
  "retransmission-ladder": { q: 2 },
  "two-behind-one-nat": { q: 2, part: ".picture", width: 1000, hash: "t=21.2&kind=all" },
  "wrong-psk": { q: 2, hash: "t=0.065" },
};

// Steps of the walk through nat-binding-timeout, and what README shows.
const WALK = "teach/nat-binding-timeout";
const OTHERS = {
  report: { scenario: WALK, part: ".explorer", q: 3, hash: "t=91.5", height: 700 },
  "lessons/nat-binding-timeout-asked": { scenario: WALK, part: ".lesson" },
  "lessons/nat-binding-timeout-calls": {
    scenario: WALK,
    part: ".stage",
    hash: "t=62.5&tab=sas",
    height: HEIGHT,
  },
  "lessons/nat-binding-timeout-back": {
    scenario: WALK,
    part: ".stage",
    q: 3,
    hash: "t=91.5",
    height: HEIGHT,
  },
  "lessons/nat-binding-timeout-answers": { scenario: WALK, part: ".lesson", reveal: [1, 2, 3] },
};

function fail(text, hint) {
  console.error(`make.mjs: ${text}\ntry: ${hint}`);
  process.exit(1);
}

function program(names, hint) {
  for (const name of names) {
    try {
      return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // The next one may be there.
    }
  }
  return fail(`${names[0]} is not there`, hint);
}

function load() {
  try {
    return createRequire(path.join(ROOT, "build/browser/package.json"))("playwright-core").chromium;
  } catch {
    return fail("build/browser has no playwright-core", "./check, which installs it");
  }
}

/** Every page of docs/lessons that has a scenario of its name. */
function lessons() {
  const stems = fs
    .readdirSync(path.join(ROOT, "docs/lessons"))
    .map((file) => path.basename(file, ".md"))
    .filter((stem) => fs.existsSync(path.join(ROOT, `scenarios/teach/${stem}.yaml`)));
  return stems.map((stem) => [
    `lessons/${stem}`,
    { scenario: `teach/${stem}`, q: 1, height: HEIGHT, part: ".stage", ...LESSONS[stem] },
  ]);
}

const ran = new Map();

/** The report of a scenario; what several pictures need is run once. */
function report(scenario, place) {
  if (!ran.has(scenario)) {
    const folder = path.join(place, String(ran.size));
    try {
      execFileSync(IKELAB, ["run", `scenarios/${scenario}.yaml`, "-q", "-o", folder], {
        cwd: ROOT,
        stdio: ["ignore", "ignore", "pipe"],
      });
    } catch (error) {
      fail(`${scenario}: ${error.stderr || error}`, `${IKELAB} run scenarios/${scenario}.yaml`);
    }
    ran.set(scenario, path.join(folder, "report.html"));
  }
  return ran.get(scenario);
}

/** The page where the picture wants it. */
async function go(page, wish) {
  if (wish.q) {
    await page.locator(".questions button", { hasText: "show me" }).nth(wish.q - 1).click();
    await page.waitForTimeout(400); // the address follows the slider after a pause
  }
  if (wish.hash) {
    await page.evaluate((hash) => {
      const now = new URLSearchParams(location.hash.slice(1));
      for (const [name, value] of new URLSearchParams(hash)) now.set(name, value);
      location.hash = now.toString();
    }, wish.hash);
  }
  for (const number of wish.reveal ?? []) {
    const question = page.locator(".questions > li").nth(number - 1);
    await question.getByRole("button", { name: "reveal the answer" }).click();
  }
  await page.waitForTimeout(400);
}

async function take(browser, name, wish, place) {
  const page = await browser.newPage({
    viewport: { width: wish.width ?? WIDTH, height: wish.window ?? 900 },
    offline: true,
  });
  page.on("pageerror", (error) => fail(`${name}: ${error}`, "ctest -R browser/"));
  await page.goto(`file://${report(wish.scenario, place)}`);
  await page.waitForSelector(".explorer");
  await go(page, wish);
  const box = await page.locator(wish.part).first().boundingBox();
  const offset = await page.evaluate(() => window.scrollY);
  const target = path.join(HERE, `${name}.png`);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  await page.screenshot({
    path: target,
    fullPage: true,
    clip: {
      x: box.x,
      y: box.y + offset,
      width: box.width,
      height: Math.min(box.height, wish.height ?? Infinity),
    },
  });
  await page.close();
  execFileSync("pngquant", [COLOURS, "--nofs", "--force", "--strip", "--output", target, target]);
  const { size } = fs.statSync(target);
  console.log(`${name}.png  ${(size / 1e3).toFixed(0)} kB`);
  if (size > LARGEST) fail(`${name}.png has more than 120 kB`, "a smaller height in this file");
}

const wanted = process.argv.slice(2);
const pictures = [...Object.entries(OTHERS), ...lessons()].filter(
  ([name]) => !wanted.length || wanted.includes(name) || wanted.includes(path.basename(name)),
);
if (!pictures.length) fail(`no picture is called ${wanted.join(" or ")}`, "no name at all");
if (!fs.existsSync(IKELAB)) fail(`${IKELAB} is not there`, "./run");
program(["pngquant"], "sudo apt-get install pngquant");
const executablePath = program(
  ["chromium-headless-shell", "chromium"],
  "sudo apt-get install chromium-headless-shell",
);
const browser = await load().launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const place = fs.mkdtempSync(path.join(os.tmpdir(), "ikelab-pictures-"));
process.on("exit", () => fs.rmSync(place, { recursive: true, force: true }));
for (const [name, wish] of pictures) await take(browser, name, wish, place);
await browser.close();
