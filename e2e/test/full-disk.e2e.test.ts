import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster, isAlive, until } from "../src/index.ts";

const base = mkdtempSync(join(tmpdir(), "berth-full-disk-"));
const home = join(base, "home");
const canMount = tryMount();

function tryMount(): boolean {
  mkdirSync(home);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m,mode=700", "tmpfs", home], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!canMount)("a full disk under the log (needs the right to mount a tmpfs)", () => {
  const cluster = new Cluster({ home });
  const ballast = join(home, "ballast");
  let number = 0;

  beforeAll(() => cluster.start("--no-examples"));
  afterAll(async () => {
    rmSync(ballast, { force: true });
    await cluster.destroy();
    execFileSync("umount", [home], { stdio: "ignore" });
    rmSync(base, { recursive: true, force: true });
  });

  async function apply(name: string, count = 1) {
    const file = join(base, `${name}.json`);
    writeFileSync(
      file,
      JSON.stringify({
        kind: "service",
        name,
        count,
        task: { command: ["/bin/sleep", "100000"], env: { PADDING: "x".repeat(8_000) } },
        resources: { cpu: "10m", memory: "8MiB" },
      }),
    );
    return await cluster.berth("apply", file, "--json");
  }

  it("[INV3][INV6] refuses submissions by name, leaves tasks alone, and goes on once there is room", async () => {
    expect((await apply("steady")).exitCode).toBe(0);
    await until("it runs", async () => (await cluster.running("steady")).length === 1);
    const tasks = cluster.taskProcesses();
    fillDisk();

    const refused = await until(
      "a submission is refused",
      async () => {
        number += 1;
        const result = await apply(`more-${number}`, 0);
        return result.exitCode === 0 ? null : result;
      },
      { intervalMs: 1 },
    );
    const { error } = JSON.parse(refused.stdout) as { error: { code: string; message: string } };
    expect(error.code).toBe("log.full");
    expect(tasks.every(isAlive)).toBe(true);

    rmSync(ballast);
    await until("submissions are accepted again", async () => {
      number += 1;
      return (await apply(`more-${number}`, 0)).exitCode === 0;
    });
    expect(tasks.every(isAlive)).toBe(true);
    expect((await cluster.running("steady")).length).toBe(1);
  });

  /** Leaves 1 MiB: room for what runs, none for more. */
  function fillDisk(): void {
    const { bavail, bsize } = statfsSync(home);
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 2 ** 20)));
  }
});
