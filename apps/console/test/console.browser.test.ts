import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { WorkloadInput } from "@berth/protocol";
import { loggerTo } from "@berth/runtime";
import { nodeClock, nodeRandom } from "@berth/runtime/node";
import type { Gateway } from "../src/gateway/gateway-options.ts";
import { serveGateway } from "../src/gateway/start-gateway.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { browserPath, collectComplaints, openBrowser } from "./open-browser.ts";
import { until } from "./until.ts";

const CONSOLE_FOLDER = fileURLToPath(new URL("..", import.meta.url));

function service(name: string, more: Partial<Extract<WorkloadInput, { kind: "service" }>> = {}) {
  const task = { command: ["serve"] };
  return { kind: "service", name, count: 2, task, ...more } as WorkloadInput;
}
const impossible = {
  kind: "batch",
  name: "train-70b",
  task: { command: ["train"] },
  resources: { gpu: { count: 8 } },
} as WorkloadInput;

let browser: Browser;
let webFolder = "";

beforeAll(async () => {
  if (browserPath === null) return;
  webFolder = await mkdtemp(join(tmpdir(), "berth-console-web-"));
  await build({
    configFile: join(CONSOLE_FOLDER, "vite.config.ts"),
    root: join(CONSOLE_FOLDER, "web"),
    logLevel: "error",
    build: { outDir: webFolder, emptyOutDir: true },
  });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  if (webFolder !== "") await rm(webFolder, { recursive: true });
});

async function startCluster(nodes = 2): Promise<FakeCluster> {
  const cluster = new FakeCluster({ clock: nodeClock, random: nodeRandom });
  onTestFinished(() => cluster.stop());
  cluster.startScheduler();
  await until("the scheduler leads", () => cluster.isLeading);
  for (let number = 0; number < nodes; number += 1) {
    await cluster.join(number, number === 1 ? { networkMbps: null } : {});
  }
  return cluster;
}

async function startGateway(cluster: FakeCluster, port = 0): Promise<Gateway> {
  const gateway = await serveGateway({
    snapshots: [],
    bus: cluster.connect("gateway"),
    log: cluster.log,
    clock: nodeClock,
    random: nodeRandom,
    logger: loggerTo(() => {}),
    port,
    webFolder,
    allowedHosts: [],
  });
  onTestFinished(() => gateway.stop());
  return gateway;
}

async function open(gateway: Gateway, path = "#/", scheme: "dark" | "light" = "dark") {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 720 },
    colorScheme: scheme,
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = collectComplaints(page);
  await page.goto(`${gateway.url}/${path}`);
  await page.locator(".page-head").waitFor();
  return { page, complaints };
}

const row = (page: Page, name: string) => page.locator("tr", { hasText: name });

describe.skipIf(browserPath === null)("the page in Chromium", () => {
  it("shows nodes, what waits and why, and follows an apply without a reload", async () => {
    const cluster = await startCluster();
    await cluster.apply(impossible);
    const { page, complaints } = await open(await startGateway(cluster));

    await page.locator(".fresh", { hasText: "live" }).waitFor();
    await row(page, "r1-s01").getByText("ready").waitFor();
    const attention = page.getByRole("region", { name: "Needs attention" });
    await attention.getByText("default/train-70b").waitFor();
    await attention.getByText(/fits none of 2 nodes/).waitFor();
    expect(await row(page, "r1-s02").getByText("unknown").count()).toBeGreaterThan(0);

    await page.evaluate("window.wasNotReloaded = true");
    await cluster.apply(service("web", { count: 3 }));
    await page.getByText("3 running").waitFor();
    await page.getByText("default/web is submitted").waitFor();
    expect(await page.evaluate("window.wasNotReloaded")).toBe(true);
    expect(complaints).toEqual([]);
  });

  it("explains what waits as a funnel in which every node is counted once", async () => {
    const cluster = await startCluster(3);
    await cluster.cordon("r1-s03");
    await cluster.apply(impossible);
    const gateway = await startGateway(cluster);
    const { page, complaints } = await open(gateway, "#/workloads/default/train-70b", "light");
    const funnel = page.locator("table.funnel");
    await funnel.waitFor();
    const failed = await funnel.locator("tbody tr:not(.funnel-end) td.number").allInnerTexts();
    expect(failed.map((text) => -Number(text.replace("−", "-"))).reduce((a, b) => a + b)).toBe(3);
    await page.getByRole("heading", { name: "Nearest fits" }).waitFor();
    expect(complaints).toEqual([]);
  });

  it("draws each allocation as a block that leads to it, and shows its output live", async () => {
    const cluster = await startCluster(1);
    await cluster.apply(service("web", { count: 2, resources: { cpu: "4", memory: "8GiB" } }));
    const agent = cluster.agents[0];
    await until("both run", () => agent?.running.length === 2);
    const { page, complaints } = await open(await startGateway(cluster), "#/nodes");

    const block = page.locator(".block").first();
    await block.waitFor();
    expect(await page.getByRole("group", { name: "CPU of r1-s01" }).locator(".block").count()).toBe(
      2,
    );
    await block.click();
    await page.getByRole("heading", { name: /^a1/ }).waitFor();
    await page.locator(".status", { hasText: "running" }).first().waitFor();

    const id = agent?.running[0]?.allocationId;
    if (agent === undefined || id === undefined) throw new Error("nothing runs");
    agent.write(id, "<img src=x onerror=alert(1)> \u001b[31mhello\u001b[0m\n");
    await page.getByText("<img src=x onerror=alert(1)> hello").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    agent.write(id, "while paused\n");
    await page.locator(".log-paused").waitFor();
    expect(await page.getByText("while paused").count()).toBe(0);
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByText("while paused").waitFor();
    await page.getByRole("link", { name: "stderr" }).click();
    await page.getByText("Nothing on stderr yet").waitFor();
    expect(complaints).toEqual([]);
  });

  it("greys what is old when the leader is silent, and comes back by itself", async () => {
    const cluster = await startCluster();
    const { page } = await open(await startGateway(cluster));
    await page.locator(".fresh-live").waitFor();
    await cluster.stopScheduler();
    await page.locator(".fresh-stale").waitFor();
    await page.getByText("No scheduler answers").waitFor();
    expect(await page.locator("main.stale").count()).toBe(1);
    cluster.startScheduler();
    await page.locator(".fresh-live").waitFor();
    expect(await page.locator("main.stale").count()).toBe(0);
  });

  it("reconnects after the gateway restarts, and catches up", async () => {
    const cluster = await startCluster();
    const first = await startGateway(cluster);
    const { page, complaints } = await open(first);
    await page.locator(".fresh-live").waitFor();
    await first.stop();
    await page.locator(".fresh-reconnecting").waitFor();
    await cluster.apply(service("web"));
    await startGateway(cluster, first.port);
    await page.locator(".fresh-live").waitFor();
    await page.getByText("2 running").waitFor();
    expect(complaints).toEqual([]);
  });

  it("can be used with the keyboard alone, and keeps page and filter in its address", async () => {
    const cluster = await startCluster();
    await cluster.apply(service("web"), service("api"));
    const { page, complaints } = await open(await startGateway(cluster), "#/workloads");
    await row(page, "api").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("web");
    await row(page, "api").waitFor({ state: "detached" });
    expect(new URL(page.url()).hash).toBe("#/workloads?q=web");
    await page.keyboard.press("Escape");
    await row(page, "api").waitFor();
    await page.keyboard.press("Tab");
    for (let presses = 0; presses < 40; presses += 1) {
      const focused = await page.evaluate("document.activeElement?.getAttribute('href')");
      if (focused === "#/workloads/default/web") break;
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "default/web" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "default/web" }).waitFor();
    expect(complaints).toEqual([]);
  });

  it("fits 1280 by 720 without scrolling sideways, on every page and with long names", async () => {
    const cluster = await startCluster(1);
    await cluster.join(7, { name: `${"a-long-node-name".repeat(8)}.example`, gpus: 8 });
    await cluster.apply(service(`a${"-long-workload-name".repeat(3)}`, { count: 4 }), impossible);
    const agent = cluster.agents[0];
    await until("it runs", () => cluster.agents.some(({ running }) => running.length > 0));
    const gateway = await startGateway(cluster);
    const { page, complaints } = await open(gateway);
    const paths = [
      "#/",
      "#/nodes",
      `#/nodes/${agent?.description.nodeId}`,
      "#/workloads",
      "#/workloads/default/train-70b",
      "#/allocations/a1",
      "#/events",
      "#/elsewhere",
    ];
    for (const path of paths) {
      await page.goto(`${gateway.url}/${path}`);
      await page.locator(".page").waitFor();
      const surplus =
        "document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth";
      expect([path, await page.evaluate(surplus)]).toEqual([path, 0]);
    }
    expect(complaints).toEqual([]);
  });

  it("is small: the first page's script and style are at most 100 KiB compressed", async () => {
    const { gzipSync } = await import("node:zlib");
    const { readdir, readFile } = await import("node:fs/promises");
    const folder = join(webFolder, "assets");
    const sizes = await Promise.all(
      (await readdir(folder)).map(
        async (name) => gzipSync(await readFile(join(folder, name))).length,
      ),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(100 * 1024);
  });
});
