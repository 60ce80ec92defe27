// Runs of other kinds, as their readers find them: in fragments, on the move, authenticated anew, and
// with requests side by side.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { drawn, ikelab, open, run } from "./lab.mjs";

const report = (folder) => path.join(folder, "report.html");
const panel = (page) => page.locator(".panel").innerText();

const fragments = run(
  "certificates",
  "--set",
  "ike.fragmentation=yes",
  "--set",
  "ike.fragment_size=600B",
  "--set",
  "nodes.homes.count=10",
);
const collision = run("scenarios/teach/rekey-collision.yaml");

test("parts of a message say so, are not sent again, and show the whole", async () => {
  const page = await open(report(fragments), { hash: "#node=homes[0]&m=4" });
  await page.waitForSelector(".panel .hex >> nth=1");
  assert.match(await page.locator(".panel h3").innerText(), /^IKE_AUTH request 1 · part 3\/3$/);
  assert.match(await panel(page), /of frame \d+, octets \d+ to \d+ of frame \d+, octets/);
  assert.match(await page.locator(".tree").innerText(), /IDi/);
  await page.keyboard.press("4");
  await drawn(page);
  assert.match(await panel(page), /Every request of this run was answered at its first sending/);
  page.check();
});

test("names of what the scenario did do not cover each other", async () => {
  const page = await open(report(fragments), { viewport: { width: 1400, height: 1000 } });
  const flags = await page.evaluate(() =>
    [...document.querySelectorAll(".flags span")].map((flag) => [
      flag.getBoundingClientRect().left,
      parseFloat(getComputedStyle(flag, "::after").width),
    ]),
  );
  assert.equal(flags.length, 2);
  assert.ok(flags[0][0] + 4 + flags[0][1] <= flags[1][0], JSON.stringify(flags));
  assert.match(await page.locator(".sequence-live .intervention").first().innerHTML(), /lookup outage/);
  page.check();
});

test("a tunnel on the move: when its addresses changed, and what came too late for them", async () => {
  const page = await open(report(run("tests/scenarios/hand-over.yaml")), {
    hash: "#node=phones[0]&tab=sas&t=20.1",
  });
  assert.equal(await page.locator(".plot path.move").count(), 4);
  assert.match(await panel(page), /ike up, peer moved 65 ms ago/);
  // The gateway sent it, so it comes from the right.
  const late = page.locator(".message.esp:has(.cause)").first();
  const [from, to] = await late
    .locator(".shaft")
    .first()
    .evaluate((line) => [Number(line.getAttribute("x1")), Number(line.getAttribute("x2"))]);
  assert.ok(from > to, `${from} to ${to}`);
  page.check();
});

test("authenticated anew: the break is a break, not made before it", async () => {
  const page = await open(report(run("scenarios/teach/break-before-make.yaml")), {
    hash: "#tab=sas&t=61.1",
  });
  assert.match(await panel(page), /with a break before[\s\S]*gap of 200 ms/);
  assert.doesNotMatch(await panel(page), /make before break/);
  page.check();
});

test("texts at the last lane end before the picture does", async () => {
  const page = await open(report(collision), { viewport: { width: 1400, height: 1000 } });
  await page.keyboard.press("End");
  await drawn(page);
  const over = await page.evaluate(() => {
    const edge = document.querySelector(".sequence-live").getBoundingClientRect().right;
    return [...document.querySelectorAll(".happening text")]
      .filter((text) => text.getBoundingClientRect().right > edge)
      .map((text) => text.textContent);
  });
  assert.deepEqual(over, []);
  page.check();
});

test("each request has its timer, and a gateway has its own", async () => {
  const page = await open(report(collision), { hash: "#node=gw&tab=ladder&t=20.2" });
  assert.match(await panel(page), /Timers of gw at 20\.2[\s\S]*retransmit of rekey child 0/);
  const events = path.join(collision, "events.jsonl");
  const armed = /^.*"node":"home","name":"timer\.armed".*"rekey_child","message_id":2,.*$/m;
  fs.writeFileSync(
    events,
    fs
      .readFileSync(events, "utf8")
      .replace(armed, (line) => `${line}\n${line.replace('"message_id":2', '"message_id":9')}`),
  );
  ikelab("report", collision);
  const both = await open(report(collision), { hash: "#node=home&tab=ladder&t=20.2" });
  assert.match(await panel(both), /rekey child 2[\s\S]*rekey child 9/);
  both.check();
  page.check();
});

test("the octets of an inner packet stand in one pair of braces", async () => {
  const page = await open(report(collision), { hash: "#kind=esp&m=4" });
  await page.waitForSelector(".panel h3");
  assert.match(await panel(page), /0x[0-9a-f]{8} \{[^{]/);
  page.check();
});

test("a packet that was not recorded from its sender on is still the sender's", async () => {
  const short = run("scenarios/teach/nat-binding-timeout.yaml", "--set", "capture.esp_packets_per_sa=50");
  const page = await open(report(short), { hash: "#m=75" });
  await page.waitForSelector(".panel h3");
  assert.match(await panel(page), /^ESP 51\s+gw at 90\.015/);
  page.check();
});

test("the open message stays, whatever the filters hide", async () => {
  const page = await open(report(collision), { hash: "#m=0&kind=esp" });
  assert.match(await page.locator(".panel h3").innerText(), /^IKE_SA_INIT request 0/);
  assert.equal(await page.locator('.message.open[data-message="0"]').count(), 1);
  page.check();
});
