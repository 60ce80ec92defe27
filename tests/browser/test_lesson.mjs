// The lesson of a real scenario: its questions are asked, and "show me" leads to what answers them.

import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";
import { drawn, open, picture, run } from "./lab.mjs";

const report = path.join(run("scenarios/teach/nat-binding-timeout.yaml"), "report.html");

test("the questions come before their answers, and each can be revealed", async () => {
  const page = await open(report);
  const questions = await page.locator(".questions > li").all();
  assert.equal(questions.length, 3);
  for (const question of questions) {
    assert.equal(await question.locator(".answer").isVisible(), false);
    await question.getByRole("button", { name: "reveal the answer" }).click();
    assert.ok((await question.locator(".answer").innerText()).length > 20);
    await question.getByRole("button", { name: "hide the answer" }).click();
    assert.equal(await question.locator(".answer").innerText(), "");
  }
  page.check();
});

test("when the binding ends: the table counts down to it", async () => {
  const page = await open(report, { hash: "#t=39.5&tab=nat" });
  assert.match(await page.locator(".panel").innerText(), /192\.168\.0\.2:4500[\s\S]*79 ms/);
  await page.locator(".questions button", { hasText: "show me" }).first().click();
  await drawn(page);
  assert.match(await page.locator(".clock").innerText(), /^39\.5/);
  assert.equal(await page.locator('[data-tab="nat"]').getAttribute("aria-selected"), "true");
  assert.match(
    await page.locator(".panel").innerText(),
    /:1025\s+at 9\.579000 s, from outside\s+expired/,
  );
  await picture(page, "nat-binding-timeout");
  page.check();
});

test("where the calls end: at the box, by name", async () => {
  const page = await open(report);
  await page.locator(".questions button", { hasText: "show me" }).nth(1).click();
  await drawn(page);
  assert.match(await page.locator(".sequence-live").textContent(), /nat no mapping/);
  assert.match(await page.locator(".panel").innerText(), /ESP 21[\s\S]*gw → isp[\s\S]*nat no mapping/);
  assert.equal(await page.locator(".sequence-live .now line").count(), 1);
  page.check();
});

test("what brings the tunnel back: a new binding, and the gateway follows", async () => {
  const page = await open(report);
  await page.locator(".questions button", { hasText: "show me" }).nth(2).click();
  await drawn(page);
  assert.match(await page.locator(".panel").innerText(), /^ESP 21\s+home at 90\.000000 s/);
  const chart = await page.locator(".sequence-live").textContent();
  assert.match(chart, /mapped :4500 → :1026/);
  assert.match(chart, /peer moved/);
  page.check();
});
