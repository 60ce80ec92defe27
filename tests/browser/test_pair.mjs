// Two runs side by side: one slider, two charts, differences in numbers.

import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";
import { drawn, ikelab, open, picture, run, scratchPath } from "./lab.mjs";

const one = run("nat-rebind");
const other = run(
  "nat-rebind",
  "--set",
  "ike.nat_keepalive=5s",
  "--set",
  "links.core.loss.random=5%",
  "--set",
  "thresholds={}",
);
const file = scratchPath("pair.html");
ikelab("report", one, other, "-o", file);

test("both runs follow one slider", async () => {
  const page = await open(file, { hash: "#t=20.02&node=homes[0]" });
  assert.equal(await page.locator(".sequence-live").count(), 2);
  assert.equal(await page.locator("input[type=range]").count(), 1);
  for (const chart of await page.locator(".sequence-live").all()) {
    assert.match(await chart.textContent(), /20\.0000 s/);
    assert.equal(await chart.locator(".now line").count(), 1);
  }
  await picture(page, "pair");
  page.check();
});

test("what differs stands on top in numbers", async () => {
  const page = await open(file);
  const words = await page.locator(".numbers").innerText();
  assert.match(words, /lost or dropped/);
  assert.match(words, /[+−]\d/);
  page.check();
});

test("stepping goes through the messages of both, each in its own panel", async () => {
  const page = await open(file, { hash: "#node=homes[0]" });
  await page.keyboard.press("ArrowRight");
  await page.waitForSelector(".pair > :nth-child(1) .panel h3");
  await page.keyboard.press("ArrowRight");
  await drawn(page);
  await page.evaluate(() => {
    location.hash = "#m=b3";
  });
  await page.waitForFunction(() => document.querySelector(".pair > :nth-child(2) .panel h3"));
  assert.equal(await page.locator(".pair > :nth-child(1) .panel h3").count(), 0);
  page.check();
});

test("a run beside itself has no difference", async () => {
  const same = scratchPath("same.html");
  ikelab("report", one, one, "-o", same);
  const page = await open(same);
  assert.doesNotMatch(await page.locator(".numbers").innerText(), /[+−]\d/);
  page.check();
});
