// A reader at a report: steps, opens, looks, filters, links; by mouse and by keyboard.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { drawn, ikelab, open, picture, run } from "./lab.mjs";

const nat = path.join(run("nat-rebind"), "report.html");
const rekey = path.join(run("rekey-under-loss"), "report.html");
const modelled = path.join(run("rekey-storm-small"), "report.html");

const text = (page, selector) => page.locator(selector).first().innerText();
const state = (page) =>
  page.evaluate(() => Object.fromEntries(new URLSearchParams(location.hash.slice(1))));

test("stepping goes from message to message", async () => {
  const page = await open(nat);
  await page.keyboard.press("ArrowRight");
  assert.match(await text(page, ".panel h3"), /^IKE_SA_INIT request 0/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("j");
  await page.waitForFunction(() =>
    document.querySelector(".panel h3").textContent.startsWith("IKE_AUTH request 1"),
  );
  assert.equal((await page.locator(".sequence-live .message.open").count()) > 0, true);
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() =>
    document.querySelector(".panel h3").textContent.startsWith("IKE_SA_INIT response 0"),
  );
  await picture(page, "stepping");
  page.check();
});

test("stepping from event to event gets to the reboot and the drop after it", async () => {
  const page = await open(nat, { hash: "#node=homes[0]&t=19" });
  await page.keyboard.press("Shift+ArrowRight");
  await page.waitForFunction(() => document.querySelector(".clock").textContent === "20.000000 s");
  const chart = await page.locator(".sequence-live").textContent();
  assert.match(chart, /boxes reboot/);
  assert.match(chart, /nat no mapping/);
  page.check();
});

test("the slider moves time, and the NAT table counts down", async () => {
  const page = await open(nat, { hash: "#node=homes[0]&tab=nat&t=10.02" });
  const left = async () => Number(/([\d.]+) s/.exec(await text(page, ".panel td:has(.meter)"))[1]);
  const before = await left();
  await page.evaluate(() => {
    const slider = document.querySelector("input[type=range]");
    slider.value = String(Number(slider.value) + 900);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await drawn(page);
  assert.match(await text(page, ".clock"), /^15\.\d+ s$/);
  assert.ok((await left()) <= before);
  assert.match(await text(page, ".panel h3"), /NAT table at 15\./);
  page.check();
});

test("playing moves time on", async () => {
  const page = await open(nat);
  await page.keyboard.press(" ");
  await page.waitForFunction(() => parseFloat(document.querySelector(".clock").textContent) > 0);
  await page.keyboard.press(" ");
  await drawn(page); // what was under way when it stopped
  const held = await text(page, ".clock");
  await page.waitForTimeout(150);
  assert.equal(await text(page, ".clock"), held);
  page.check();
});

test("an arrow opens its message: hops, octets, fields, sections", async () => {
  const page = await open(nat, { hash: "#node=homes[0]" });
  await page.locator(".message .reach").first().click({ force: true });
  assert.match(await text(page, ".panel h3"), /IKE_SA_INIT request 0/);
  const panel = await text(page, ".panel");
  for (const needed of [
    "homes[0] → boxes[0]",
    "100.64.0.1:1024",
    "Security Association",
    "RFC 7296 §3.3",
    "Message ID",
  ]) {
    assert.ok(panel.includes(needed), needed);
  }
  assert.match(
    await page.locator(".frames button").first().getAttribute("title"),
    /frame\.number == \d+/,
  );
  page.check();
});

test("octets and fields light each other up", async () => {
  const page = await open(nat, { hash: "#m=0" });
  await page.locator('.tree-row:has-text("Message ID")').first().hover();
  assert.equal(await text(page, ".hex-octets .lit"), "00 00 00 00");
  await page.locator(".hex-octets [data-part]").first().hover();
  assert.match(await text(page, ".tree-row.lit"), /IKE SA Initiator's SPI|Non-ESP Marker/);
  page.check();
});

test("the tree is walked by keyboard", async () => {
  const page = await open(nat, { hash: "#m=0" });
  await page.locator('.tree-row[tabindex="0"]').focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.activeElement.classList.contains("lit")), true);
  assert.ok((await page.locator(".hex-octets .lit").count()) > 0);
  page.check();
});

test("decryption is switched on and off", async () => {
  const page = await open(nat, { hash: "#node=homes[0]" });
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
  await page.waitForSelector(".panel .hex >> nth=1");
  assert.match(await text(page, ".tree"), /homes-0\.ikelab\.example/);
  assert.match(await text(page, ".panel"), /Opened with SK_ei/);
  await page.keyboard.press("d");
  await page.waitForFunction(() => document.querySelectorAll(".panel .hex").length === 1);
  assert.doesNotMatch(await text(page, ".tree"), /homes-0\.ikelab\.example/);
  await page.getByRole("button", { name: "decrypted", exact: true }).click();
  await page.waitForSelector(".panel .hex >> nth=1");
  page.check();
});

test("the keys are derived step by step", async () => {
  const page = await open(nat, { hash: "#m=0&tab=keys" });
  const panel = await text(page, ".panel");
  for (const needed of [
    "SKEYSEED = prf(Ni | Nr, g^ir)",
    "prf+(SKEYSEED",
    "SK_ei",
    "KEYMAT = prf+(SK_d",
    "§2.17",
  ]) {
    assert.ok(panel.includes(needed), needed);
  }
  assert.match(panel, /[0-9a-f]{64}/);
  await picture(page, "keys");
  page.check();
});

test("a link opens its message, and history goes back", async () => {
  const page = await open(nat, { hash: "#m=2" });
  const titled = (title) =>
    page.waitForFunction(
      (start) => document.querySelector(".panel h3")?.textContent.startsWith(start),
      title,
    );
  await titled("IKE_AUTH request 1");
  assert.equal(await text(page, ".clock"), "0.032113 s");
  await page.keyboard.press("ArrowRight");
  await titled("IKE_AUTH response 1");
  assert.notEqual((await state(page)).m, "2");
  await page.goBack();
  await titled("IKE_AUTH request 1");
  await page.evaluate(() => {
    location.hash = "#m=0";
  });
  await titled("IKE_SA_INIT request 0");
  page.check();
});

test("a link to nothing says so", async () => {
  const page = await open(nat, { hash: "#m=99999999&t=nonsense&zoom=-3&node=nobody" });
  assert.match(await text(page, ".panel .empty"), /no message 99999999/);
  assert.match(await text(page, ".picture .empty"), /No message passes/);
  page.check();
});

test("filters choose messages, and the address keeps them", async () => {
  const page = await open(nat, { hash: "#kind=all" });
  const shown = async () => text(page, ".status");
  const all = await shown();
  await page.keyboard.press("p");
  await page.waitForFunction((was) => document.querySelector(".status").textContent !== was, all);
  assert.equal((await state(page)).problems, "1");
  await page.getByLabel("exchange").selectOption("IKE_AUTH");
  await page.waitForSelector(".picture .empty:not([hidden])");
  await page.getByRole("button", { name: "clear all filters" }).first().click();
  await page.keyboard.press("/");
  await page.keyboard.type("ike_auth homes[3]");
  await page.waitForFunction(() =>
    document.querySelector(".status").textContent.startsWith("2 of"),
  );
  await page.locator(".message .reach").first().click({ force: true });
  assert.match(await text(page, ".panel h3"), /IKE_AUTH/);
  page.check();
});

test("the list has what the chart has", async () => {
  const page = await open(nat, { hash: "#view=list&node=homes[0]&kind=ike" });
  const row = await text(page, ".list-grid .list-row:not(.head)");
  for (const needed of ["0.000000 s", "homes[0]", "gw", "IKE_SA_INIT", "HDR, SAi1"])
    assert.ok(row.includes(needed), needed);
  await page.locator(".list-grid .list-row:not(.head)").nth(2).click();
  assert.match(await text(page, ".panel h3"), /IKE_AUTH request 1/);
  await page.keyboard.press("v");
  await page.waitForSelector(".sequence-live .message.open");
  page.check();
});

test("rekeying overlaps, and a lost request is sent again", async () => {
  const page = await open(rekey, { hash: "#tab=sas&node=sites[0]&t=18.24" });
  const panel = await text(page, ".panel");
  assert.match(panel, /make before break/);
  assert.match(panel, /\d+(\.\d+)? ms/);
  assert.ok((await page.locator(".plot rect").count()) > 4);
  await picture(page, "rekeying");
  await page.keyboard.press("c");
  await page.keyboard.press("4");
  await page.waitForFunction(
    () => document.querySelector(".panel h3").textContent === "Retransmissions",
  );
  assert.match(await text(page, ".panel"), /sent again \(1\)/);
  assert.match(await text(page, ".panel"), /500 ms/);
  page.check();
});

test("every panel opens by its number", async () => {
  const page = await open(rekey);
  for (let i = 1; i <= 7; i++) {
    await page.keyboard.press(String(i));
    await drawn(page);
    assert.equal(await page.locator('[role=tab][aria-selected="true"]').count(), 1);
    assert.ok((await text(page, ".panel")).length > 30);
  }
  page.check();
});

test("zoom, scale and theme by keyboard", async () => {
  const page = await open(nat);
  const height = () => page.evaluate(() => document.querySelector(".chart-space").offsetHeight);
  const before = await height();
  await page.keyboard.press("+");
  await drawn(page);
  assert.ok((await height()) > before);
  await page.keyboard.press("0");
  await page.keyboard.press("s");
  await drawn(page);
  assert.equal((await state(page)).scale, "true");
  await page.keyboard.press("l");
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(background, "rgb(14, 17, 22)");
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "hidden" });
  page.check();
});

test("modelled crypto: nothing is decrypted, and the page says why", async () => {
  const page = await open(modelled, { hash: "#tab=keys" });
  assert.match(await text(page, ".panel .empty"), /[Mm]odelled/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("1");
  await page.waitForFunction(() =>
    document.querySelector(".panel h3")?.textContent.includes("IKE_SA_INIT"),
  );
  page.check();
});

test("what is chosen prints", async () => {
  const page = await open(nat, { hash: "#node=homes[0]&kind=ike" });
  const pdf = await page.pdf();
  assert.ok(pdf.length > 20000);
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  assert.ok((await page.locator(".print-pages .message").count()) >= 4);
  assert.equal(await page.locator(".transport").isVisible(), false);
  await picture(page, "print");
  page.check();
});

test("by night and from the list, the chart prints by day", async () => {
  const page = await open(nat, { hash: "#node=homes[0]&kind=ike&view=list" });
  await page.keyboard.press("l");
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  await drawn(page);
  assert.ok((await page.locator(".print-pages .message").count()) >= 4);
  const scheme = await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  assert.equal(scheme, "light");
  page.check();
});

test("a key held down is one step of the history", async () => {
  const page = await open(nat);
  await page.keyboard.press("2");
  await page.waitForTimeout(200);
  const before = await page.evaluate(() => history.length);
  await page.evaluate(() => {
    for (let i = 0; i < 40; i++)
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
  });
  await page.waitForTimeout(500);
  assert.match(await page.evaluate(() => location.hash), /m=\d/);
  assert.equal(await page.evaluate(() => history.length), before + 1);
  await page.goBack();
  await page.waitForFunction(() => !location.hash.includes("m="));
  page.check();
});

test("a filter that is set leaves the page where it was", async () => {
  const page = await open(nat, { viewport: { width: 1400, height: 1000 }, hash: "#kind=ike" });
  const height = () => page.evaluate(() => document.querySelector(".deck").offsetHeight);
  const set = await height();
  await page.keyboard.press("c");
  await drawn(page);
  assert.equal(await height(), set);
  page.check();
});

test("spans of time carry over", async () => {
  const page = await open(nat);
  assert.deepEqual(
    await page.evaluate(() => [3959.95e9, 119.99e9, 239.7e9, 7199.9e9, 86399e9].map(span)),
    ["66 min 0 s", "120 s", "4 min 0 s", "120 min 0 s", "24 h 0 min"],
  );
  page.check();
});

test("without motion, playing steps", async () => {
  const page = await open(nat, { reducedMotion: "reduce" });
  await page.keyboard.press(" ");
  await page.waitForFunction(() => document.querySelector(".panel h3"), null, { timeout: 5000 });
  page.check();
});

test("the replay window and the timers at a moment", async () => {
  const page = await open(nat, { hash: "#node=homes[0]&tab=window&t=1" });
  assert.match(await text(page, ".panel"), /SPI 0x[0-9a-f]{8} at /);
  assert.ok((await page.locator(".bits i.seen, .bits i.top").count()) > 0);
  assert.match(await text(page, ".panel"), /fresh/);
  await page.keyboard.press("4");
  await page.waitForFunction(() =>
    document.querySelector(".panel").textContent.includes("liveness"),
  );
  await picture(page, "timers");
  page.check();
});

test("a bitmap is read from its lowest bit", async () => {
  const page = await open(nat);
  const bits = await page.evaluate(() => windowBits("000d", 6));
  assert.deepEqual(bits, [1, 0, 1, 1, 0, 0]);
  page.check();
});

test("the gateway's queue is drawn with peaks that no record stands at", async () => {
  const folder = run("handshake-lan");
  const { hosts } = JSON.parse(fs.readFileSync(path.join(folder, "result.json"), "utf8")).virtual;
  const page = await open(path.join(folder, "report.html"), { hash: "#tab=host" });
  const plot = page.locator('.plot[aria-label^="waiting, and peaks"]');
  assert.equal(
    await plot.getAttribute("aria-label"),
    `waiting, and peaks, up to ${hosts.gw.backlog_peak}`,
  );
  // The smallest y of a path is its highest point.
  const highest = async (line) => {
    const d = await plot.locator(`path.${line}`).getAttribute("d");
    return Math.min(...[...d.matchAll(/(?:V|M[\d.]+ )([\d.]+)/g)].map((found) => Number(found[1])));
  };
  assert.ok((await highest("line2")) <= (await highest("line1")));
  assert.notEqual(
    await plot.locator("path.line1").getAttribute("d"),
    await plot.locator("path.line2").getAttribute("d"),
  );
  await plot.scrollIntoViewIfNeeded();
  await picture(page, "gateway-queue");
  page.check();
});
