import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";

const fixture = fileURLToPath(new URL("./service-fixture.mjs", import.meta.url));

describe("a service process", () => {
  let child: ChildProcess;
  afterEach(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });

  async function start(behaviour: string, env: Record<string, string> = {}) {
    child = spawn(process.execPath, [fixture, behaviour], {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error("no pipes");
    const said = text(stderr).catch(() => "");
    const ended = once(child, "exit") as Promise<[number | null, string | null]>;
    await once(stdout, "data");
    return async () => ({ exit: await ended, stderr: await said });
  }

  it.each(["SIGTERM", "SIGINT"] as const)("ends in order on %s", async (signal) => {
    const end = await start("wait");
    child.kill(signal);
    expect((await end()).exit).toEqual([0, null]);
  });

  it("ends in order when its supervisor's pipe closes", async () => {
    const end = await start("wait", { BERTH_SUPERVISED: "1" });
    child.stdin?.destroy();
    const { exit, stderr } = await end();
    expect(exit).toEqual([0, null]);
    expect(stderr).toContain("supervisor");
  });

  it("ends in order although nobody reads its output any more", async () => {
    const end = await start("wait", { BERTH_SUPERVISED: "1" });
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.stdin?.destroy();
    expect((await end()).exit).toEqual([0, null]);
  });

  it("does not care about standard input when nobody supervises it", async () => {
    const end = await start("wait");
    child.stdin?.destroy();
    child.kill("SIGTERM");
    expect((await end()).stderr).not.toContain("supervisor");
  });

  it("goes anyway when an orderly end takes too long", async () => {
    const end = await start("hang");
    child.kill("SIGTERM");
    const { exit, stderr } = await end();
    expect(exit).toEqual([1, null]);
    expect(stderr).toContain("did not stop in time");
  });

  it("crashes with the reason when its work fails", async () => {
    const { exit, stderr } = await (await start("throw"))();
    expect(exit).toEqual([1, null]);
    expect(stderr).toContain("main failed");
  });

  it("crashes with the reason when a rejection is caught by nobody", async () => {
    const { exit, stderr } = await (await start("reject-elsewhere"))();
    expect(exit).toEqual([1, null]);
    expect(stderr).toContain("nobody caught this");
  });
});
