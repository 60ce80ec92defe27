// A run of 100,000 messages: the page opens in 2 s, and no frame of its scrolling takes 100 ms. Other
// work on a shared machine may take the processor away: what counts is the best of some tries, of each
// frame by itself, for a frame that is slow by its own fault is slow in every try. Where others keep the
// machine busy all the time, processor time is judged instead: to open the page that of its whole process,
// to draw it that of its main thread. Both must be above nothing, or the meter is broken.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { open, rendererTimes, run } from "./lab.mjs";

const MESSAGES = 100000;
const OPEN_MS = 2000;
const FRAME_MS = 100;
const FRAMES = 100;
const TRIES = 6;
const TRIES_BUSY = 2;
const LEAPS = 25;

const report = path.join(
  run(
    "nat-rebind",
    "--set",
    "capture.esp_packets_per_sa=1000000",
    "--set",
    "capture.max_size=400MiB",
    "--set",
    "traffic.calls.packet_rate=55/s",
    "--set",
    "thresholds={}",
  ),
  "report.html",
);

const busy = () => os.loadavg()[0] > 1.5 * os.cpus().length;

/** Processor time that the page's main thread has taken until now, in ms. */
async function processorMs(page) {
  page.meter ??= await page.context().newCDPSession(page);
  await page.meter.send("Performance.enable", { timeDomain: "threadTicks" });
  const { metrics } = await page.meter.send("Performance.getMetrics");
  return 1000 * metrics.find((metric) => metric.name === "ThreadTime").value;
}

/** How long each frame takes, in ms, while a box is scrolled from top to bottom in steps and leaps. */
function frameTimes([selector, frames]) {
  return new Promise((done) => {
    const box = document.querySelector(selector);
    const end = box.scrollHeight - box.clientHeight;
    const times = [];
    let last = performance.now();
    box.scrollTop = 0;
    const frame = (now) => {
      times.push(now - last);
      last = now;
      box.scrollTop = times.length % 10 === 0 ? (end * times.length) / frames : box.scrollTop + 180;
      if (times.length < frames) requestAnimationFrame(frame);
      else done(times);
    };
    requestAnimationFrame(frame);
  });
}

/** Processor time, in ms, of the renderers since an earlier look at them. */
async function rendererMsSince(before) {
  let sum = 0;
  for (const [id, ms] of await rendererTimes()) sum += ms - (before.get(id) ?? 0);
  return sum;
}

async function longestFrame(page, selector) {
  const best = new Array(FRAMES).fill(Infinity);
  const tries = busy() ? TRIES_BUSY : TRIES;
  for (let i = 0; i < tries && Math.max(...best) >= FRAME_MS; i++) {
    const times = await page.evaluate(frameTimes, [selector, FRAMES]);
    times.forEach((ms, frame) => {
      best[frame] = Math.min(best[frame], ms);
    });
  }
  return Math.max(...best);
}

/** The most processor time, in ms, that one of a few leaps through a box takes to be drawn. */
async function dearestLeap(page, selector) {
  let most = 0;
  for (let i = 0; i < LEAPS; i++) {
    const before = await processorMs(page);
    await page.evaluate(
      ([where, part]) =>
        new Promise((done) => {
          const box = document.querySelector(where);
          box.scrollTop = box.scrollHeight * part;
          requestAnimationFrame(() => requestAnimationFrame(done));
        }),
      [selector, i / LEAPS],
    );
    most = Math.max(most, (await processorMs(page)) - before);
  }
  assert.ok(most > 0);
  return most;
}

test("100,000 messages open in 2 s, in less than 25 MB", async () => {
  assert.ok(fs.statSync(report).size < 25e6);
  let took = Infinity;
  for (let i = 0; i < TRIES && took >= OPEN_MS; i++) {
    const before = await rendererTimes();
    const start = performance.now();
    const page = await open(report, { hash: "#kind=all" });
    await page.waitForSelector(".sequence-live .message");
    took = Math.min(took, performance.now() - start);
    assert.match(await page.locator(".status").innerText(), /^100\u202f000 messages/);
    page.check();
    const worked = await rendererMsSince(before);
    assert.ok(worked > 0);
    if (took >= OPEN_MS && busy()) took = worked;
    await page.context().close();
  }
  console.log(`opened in ${Math.round(took)} ms`);
  assert.ok(took < OPEN_MS, `${took} ms`);
});

for (const [name, hash, selector] of [
  ["the chart", "#kind=all", ".chart-scroll"],
  ["the chart true to time", "#kind=all&scale=true", ".chart-scroll"],
  ["the list", "#kind=all&view=list", ".list-scroll"],
]) {
  test(`${name} scrolls through ${MESSAGES} messages`, async () => {
    const page = await open(report, { hash });
    await page.waitForTimeout(300);
    let longest = await longestFrame(page, selector);
    if (longest >= FRAME_MS && busy()) longest = await dearestLeap(page, selector);
    const elements = await page.evaluate(() => document.querySelectorAll(".explorer *").length);
    console.log(`longest frame ${Math.round(longest)} ms, ${elements} elements`);
    assert.ok(longest < FRAME_MS, `${longest} ms`);
    assert.ok(elements < 8000, `${elements} elements`);
    page.check();
  });
}
