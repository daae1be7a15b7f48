import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestHome } from "./test-home.ts";

const home = new TestHome();
const other = new TestHome();
const backup = join(home.folder, "backup.jsonl");

beforeAll(async () => {
  const { exitCode, stderr } = await home.up("--no-examples");
  if (exitCode !== 0) throw new Error(stderr);
});
afterAll(async () => {
  await Promise.all([home.remove(), other.remove()]);
});

interface Verified {
  readonly ok: boolean;
  readonly last: number;
  readonly folded: number;
}

describe("berth log", () => {
  it("says what a running cluster's log holds, and that it is sound", async () => {
    const stat = await home.json("log", "stat");
    expect(stat).toMatchObject({ exitCode: 0, value: { first: 1, snapshots: [] } });
    const { exitCode, value } = await home.json("log", "verify");
    expect({ exitCode, value }).toMatchObject({ exitCode: 0, value: { ok: true, problems: [] } });
    const { last, folded } = value as Verified;
    expect(folded).toBe(last);
  });

  it("exports it into one file, and replaces that only by force", async () => {
    const { exitCode, value } = await home.json("log", "export", backup);
    expect({ exitCode, value }).toMatchObject({ exitCode: 0, value: { file: backup } });
    expect(readFileSync(backup, "utf8")).toMatch(/^\{"berth":"log","v":1,/);
    const again = await home.json("log", "export", backup);
    expect(again).toMatchObject({ exitCode: 2, value: { error: { code: "conflict" } } });
    expect((await home.json("log", "export", backup, "--force")).exitCode).toBe(0);
  });

  it("imports it into a home that has no log, which then goes on from there", async () => {
    const there = await other.json("log", "import", backup);
    expect(there).toMatchObject({ exitCode: 0, value: { first: 1, resumedAfter: null } });
    const { last } = there.value as { last: number };
    const verified = await other.json("log", "verify");
    expect(verified).toMatchObject({ exitCode: 0, value: { ok: true, last, snapshots: 1 } });
    const stat = await other.run(["log", "stat"]);
    expect(stat.stdout).toMatch(/whole\s+BERTH_SNAPSHOTS/);
  });

  it("refuses to import into a log that is not empty, and a file that is damaged", async () => {
    const refused = await home.json("log", "import", backup);
    expect(refused).toMatchObject({ exitCode: 2, value: { error: { code: "conflict" } } });
    const damaged = join(home.folder, "damaged.jsonl");
    writeFileSync(damaged, readFileSync(backup, "utf8").replace('"term":1', '"term":7'));
    const bad = await other.json("log", "import", damaged);
    expect(bad).toMatchObject({ exitCode: 1, value: { error: { code: "invalid" } } });
    rmSync(damaged);
  });

  it("works on a stopped home as on a running one, and says when there is no log", async () => {
    expect((await home.run(["down", "--tasks"])).exitCode).toBe(0);
    expect(await home.json("log", "verify")).toMatchObject({ value: { ok: true } });
    const empty = new TestHome();
    const { exitCode, value } = await empty.json("log", "stat");
    expect({ exitCode, value }).toMatchObject({
      exitCode: 5,
      value: { error: { code: "not_found" } },
    });
    await empty.remove();
  });
});
