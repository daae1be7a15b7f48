import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmbeddedCluster, isBuilt, startEmbeddedCluster } from "./embedded-cluster.ts";
import { browserPath, collectComplaints, openBrowser } from "./open-browser.ts";
import { until } from "./until.ts";

/** One story, told in order: each part starts from where the one before it left the page. */
describe.skipIf(browserPath === null || !isBuilt)("the page of a real cluster", () => {
  let cluster: EmbeddedCluster;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "berth-console-specs-"));
    cluster = await startEmbeddedCluster();
    browser = await openBrowser();
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    complaints = collectComplaints(page);
    await page.goto(cluster.consoleUrl);
    await page.evaluate("window.wasNotReloaded = true");
  });
  afterAll(async () => {
    await browser?.close();
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("shows this machine with what it has, and usage as soon as it is measured", async () => {
    await page.locator(".fresh-live").waitFor();
    await page.locator("table.table-meters .status", { hasText: "ready" }).waitFor();
    const cpu = page.locator(".tile", { hasText: "CPU" });
    await cpu.getByText(/cores/).waitFor();
    await until("the use is measured", async () => (await cpu.locator(".unknown").count()) === 0);
  });

  it("explains the impossible example", async () => {
    const attention = page.getByRole("region", { name: "Needs attention" });
    await attention.getByText("default/impossible").click();
    await page.locator("table.funnel").waitFor();
    await page
      .getByText(/fits none of 1 node/)
      .first()
      .waitFor();
  });

  it("follows an apply and shows what the task writes", async () => {
    const file = join(folder, "greeter.yaml");
    const script = `
      const pause = () => new Promise((go) => setTimeout(go, 300));
      for (let n = 1; ; n += 1) { console.log("greeting " + n); await pause(); }`;
    const command = ["node", "--input-type=module", "-e", script];
    await writeFile(file, JSON.stringify({ kind: "service", name: "greeter", task: { command } }));
    await page.getByRole("link", { name: "Workloads" }).first().click();
    await page.locator("tr", { hasText: "web" }).getByText("running").waitFor();
    await cluster.berth("apply", file);
    await page.locator("tr", { hasText: "greeter" }).getByText("running").waitFor();

    await page.getByRole("link", { name: "greeter" }).click();
    await page.locator("table a.mono").first().click();
    await page
      .getByText(/^greeting \d+$/)
      .first()
      .waitFor();
    await page.getByText("greeting 8", { exact: true }).waitFor();
    await page.getByText("1 of 1 node fit").waitFor();
  });

  it("reconnects after the gateway is killed, and goes on with the log where it was", async () => {
    const before = await cluster.gatewayPid();
    process.kill(before, "SIGKILL");
    await page.locator(".fresh-reconnecting").waitFor();
    await page.locator(".fresh-live").waitFor({ timeout: 40_000 });
    const lines = page.getByText(/^greeting \d+$/);
    const known = await lines.count();
    await until("new lines come", async () => (await lines.count()) > known);
    const numbers = (await lines.allInnerTexts()).map((text) =>
      Number(text.slice("greeting ".length)),
    );
    expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at));
  });

  it("did all of this without a reload and without a complaint", async () => {
    expect(await page.evaluate("window.wasNotReloaded")).toBe(true);
    expect(complaints.filter((text) => !/status of 50|ERR_/.test(text))).toEqual([]);
  });
});
