// Text of scenarios and captures is somebody else's: the page shows it and does nothing it says.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { ikelab, open, picture, run } from "./lab.mjs";

const NASTY = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'\`\${alert(3)}<!--]]>\u2028&lt;`;
const QUESTIONS = [
  { ask: `ask ${NASTY}`, answer: `answer ${NASTY}`, at: "20s", at_ns: 20000000000, look: "nat" },
  { ask: "why?", answer: "because", look: "message" },
];

/** A run whose texts all say something nasty, its report made anew. */
function spoilt() {
  const folder = run("nat-rebind");
  const change = (name, how) => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, how(fs.readFileSync(file, "utf8")));
  };
  const quoted = JSON.stringify(NASTY).slice(1, -1).replaceAll("$", "$$$$");
  change("events.jsonl", (text) =>
    text
      .replaceAll('"boxes reboot"', `"${quoted}"`)
      .replaceAll('"nat_no_mapping"', `"${quoted}"`)
      .replaceAll('"link":"lan"', `"link":"${quoted}"`),
  );
  change("result.json", (text) => {
    const result = JSON.parse(text);
    result.scenario.name = NASTY;
    result.lesson = {
      situation: 4,
      title: NASTY,
      shows: NASTY,
      sibling: NASTY,
      sections: [NASTY],
      questions: QUESTIONS,
    };
    return JSON.stringify(result);
  });
  ikelab("report", folder);
  return path.join(folder, "report.html");
}

const report = spoilt();

test("nasty texts are shown as they are and do nothing", async () => {
  const page = await open(report, { hash: "#node=homes[0]&t=20.02" });
  const lesson = await page.locator(".lesson").innerText();
  assert.ok(lesson.includes("<script>alert(1)</script>"));
  assert.ok((await page.locator(".sequence-live").first().textContent()).includes("<script>"));
  assert.equal(await page.locator("img").count(), 0);
  assert.equal(
    await page.evaluate(
      () => [...document.scripts].filter((s) => s.type !== "application/json").length,
    ),
    1,
  );
  await page.keyboard.press("v");
  await page.keyboard.press("p");
  await page.locator(".list-row.problem").first().click();
  await page.waitForSelector(".panel h3");
  for (const tab of [2, 3, 4, 5, 6, 7]) await page.keyboard.press(String(tab));
  await picture(page, "hostile");
  page.check();
});

test("a nasty address is only a filter that finds nothing", async () => {
  const page = await open(report, {
    hash: `#q=${encodeURIComponent(NASTY)}&node=${encodeURIComponent(NASTY)}&m=%3Cb%3E&tab=x&view=y&scale=z`,
  });
  assert.equal(await page.locator("img").count(), 0);
  assert.match(await page.locator(".picture .empty").innerText(), /No message passes/);
  page.check();
});

test("a prediction is written, the answer revealed, and shown", async () => {
  const page = await open(report);
  const first = page.locator(".questions > li").first();
  assert.equal(await first.locator(".answer").isVisible(), false);
  assert.doesNotMatch(await first.innerText(), /answer <\/script>/);
  await first.locator("textarea").fill("at 20 s");
  await first.getByRole("button", { name: "reveal the answer" }).click();
  assert.match(await first.locator(".answer").innerText(), /^answer <\/script>/);
  assert.equal(await first.locator("textarea").inputValue(), "at 20 s");
  await first.getByRole("button", { name: "show me" }).click();
  await page.waitForFunction(() => document.querySelector(".clock").textContent === "20.000000 s");
  assert.equal(await page.locator('[data-tab="nat"]').getAttribute("aria-selected"), "true");
  await picture(page, "lesson");
  page.check();
});

test("a page whose data was cut says so and offers the way out", async () => {
  const cut = report.replace("report.html", "cut.html");
  fs.writeFileSync(cut, fs.readFileSync(report, "utf8").replace(/(id="island">)\{"/, "$1{"));
  let failed = null;
  const page = await open(cut);
  try {
    page.check();
  } catch (error) {
    failed = error;
  }
  assert.match(await page.locator("[role=alert]").innerText(), /ikelab report/);
  assert.ok(failed === null || /not whole/.test(failed.message));
});
