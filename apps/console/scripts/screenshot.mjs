/**
 * Takes the picture of a running cluster's console:
 *
 *     node apps/console/scripts/screenshot.mjs http://127.0.0.1:7480 docs/images/console.png
 *         [--path "#/nodes"] [--scheme dark|light] [--size 1280x720]
 *
 * `BERTH_BROWSER` names the Chromium; default: Debian's.
 */
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    path: { type: "string", default: "#/" },
    scheme: { type: "string", default: "dark" },
    size: { type: "string", default: "1280x720" },
  },
});
const [consoleUrl, file] = positionals;
const [width, height] = values.size.split("x").map(Number);
if (!consoleUrl || !file || !width || !height) {
  console.error("usage: screenshot.mjs <console url> <file> [--path] [--scheme] [--size 1280x720]");
  process.exit(1);
}

const browser = await chromium.launch({
  executablePath: process.env["BERTH_BROWSER"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
try {
  const page = await browser.newPage({
    viewport: { width, height },
    deviceScaleFactor: 1.5,
    colorScheme: values.scheme === "light" ? "light" : "dark",
  });
  await page.goto(`${consoleUrl}/${values.path}`);
  await page.locator(".fresh-live").waitFor();
  await page.locator(".skeleton").waitFor({ state: "detached" });
  await page.screenshot({ path: file });
} finally {
  await browser.close();
}
