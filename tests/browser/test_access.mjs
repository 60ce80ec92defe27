// Accessibility by axe: nothing serious in any view, by day and by night.

import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";
import { AXE, drawn, open, picture, run } from "./lab.mjs";

const nat = path.join(run("nat-rebind"), "report.html");
const TABS = ["message", "nat", "sas", "ladder", "window", "host", "keys"];

async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    window.axe.run(document, { resultTypes: ["violations"] }),
  );
  return found.violations
    .filter((v) => ["serious", "critical"].includes(v.impact))
    .map(
      (v) =>
        `${v.id}: ${v.help}: ${v.nodes
          .slice(0, 3)
          .map((n) => `${n.html.slice(0, 160)} ${n.failureSummary}`)
          .join(" | ")}`,
    );
}

for (const colorScheme of ["light", "dark"]) {
  test(`no serious violation, ${colorScheme}`, async () => {
    const page = await open(nat, {
      hash: "#node=homes[0]&m=2&t=20.02",
      colorScheme,
      bypassCSP: true,
    });
    await page.waitForSelector(".tree");
    for (const tab of TABS) {
      await page.locator(`[data-tab="${tab}"]`).click();
      await drawn(page);
      assert.deepEqual(await violations(page), [], tab);
      await picture(page, `${tab}-${colorScheme}`);
    }
    await page.keyboard.press("v");
    await drawn(page);
    assert.deepEqual(await violations(page), [], "list");
    await page.keyboard.press("?");
    assert.deepEqual(await violations(page), [], "keys of the page");
    page.check();
  });
}

test("the page can be used at the width of a telephone", async () => {
  const page = await open(nat, {
    viewport: { width: 390, height: 800 },
    hash: "#m=0",
    bypassCSP: true,
  });
  await drawn(page);
  const wide = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.ok(wide <= 1, `the page is ${wide} px too wide`);
  assert.deepEqual(await violations(page), []);
  await picture(page, "narrow");
  page.check();
});

test("what has the focus is seen", async () => {
  const page = await open(nat);
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return (
        document.activeElement === document.body ||
        (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 1)
      );
    });
    assert.ok(outline);
  }
  page.check();
});
