import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const CANDIDATES = [
  process.env["BERTH_BROWSER"],
  process.env["BERTH_CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** A Chromium on this machine; null where there is none, and then these tests are skipped. */
export const browserPath: string | null =
  CANDIDATES.find((path) => path !== undefined && path !== "" && existsSync(path)) ?? null;

/** Nothing here may go out to the network, and there is no GPU. */
const FLAGS = [
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-domain-reliability",
  "--disable-sync",
];

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ ...(browserPath ? { executablePath: browserPath } : {}), args: FLAGS });
}

/**
 * Everything the page complains about: exceptions, errors on the console, violations of its
 * security policy. Messages about a server that is gone are the test's own doing.
 */
export function collectComplaints(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() !== "error" && message.type() !== "warning") return;
    if (/ERR_CONNECTION_REFUSED|WebSocket connection to|status of 404/.test(text)) return;
    complaints.push(`${message.type()}: ${text}`);
  });
  return complaints;
}
