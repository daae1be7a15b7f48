import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashEntry, LOG_KINDS_MAX, NO_ENTRY_HASH } from "../src/index.ts";
import { memoryLogger } from "../src/memory/index.ts";
import { createLogger, nodeRandom, readSeedFile } from "../src/node/index.ts";

describe("a seed file", () => {
  const seed = "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU";
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "berth-seed-test-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function seedFile(content: string, mode: number): Promise<string> {
    const path = join(folder, "seed.nk");
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  }

  it("gives its seed when only its owner can read it", async () => {
    expect(await readSeedFile(await seedFile(`${seed}\n`, 0o600))).toBe(seed);
  });

  it("is refused when others can read it, saying what to do", async () => {
    await expect(readSeedFile(await seedFile(seed, 0o640))).rejects.toMatchObject({
      code: "denied",
      hint: expect.stringContaining("chmod 600"),
    });
  });

  it("is refused when it is missing or holds something else", async () => {
    await expect(readSeedFile(join(folder, "none"))).rejects.toMatchObject({ code: "not_found" });
    await expect(readSeedFile(await seedFile("password", 0o600))).rejects.toMatchObject({
      code: "invalid",
    });
  });
});

describe("a logger", () => {
  it("writes one JSON line per message, with errors readable", () => {
    const lines: string[] = [];
    const logger = createLogger({ name: "test", format: "json", write: (l) => lines.push(l) });
    logger.info("hello", { count: 3 });
    logger.error("failed", { cause: new BerthError("timeout", "no answer", { hint: "wait" }) });
    logger.debug("not at this level");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: "info", name: "test", message: "hello", count: 3 },
      { level: "error", cause: { code: "timeout", message: "no answer", hint: "wait" } },
    ]);
    expect(lines.every((line) => line.endsWith("\n"))).toBe(true);
  });

  it("writes for people on one line too", () => {
    const lines: string[] = [];
    const logger = createLogger({ name: "test", format: "pretty", write: (l) => lines.push(l) });
    logger.warn("look", { node: "r1-s01", reason: "two words" });
    expect(lines.join("")).toMatch(/ warn {2}test: look {2}node=r1-s01 reason="two words"\n$/);
  });

  it("warns the first time of each kind and only counts from then on", () => {
    const logger = memoryLogger();
    for (let time = 0; time < 1_000; time += 1) logger.count("malformed", "not JSON");
    expect(logger.lines).toHaveLength(1);
    expect(logger.counts().get("malformed")).toBe(1_000);
  });

  it("keeps a bounded number of kinds", () => {
    const logger = memoryLogger();
    for (let kind = 0; kind < LOG_KINDS_MAX * 3; kind += 1) logger.count(`kind ${kind}`, "x");
    expect(logger.counts().size).toBe(LOG_KINDS_MAX + 1);
  });
});

describe("system chance", () => {
  it("makes tokens of lower-case letters and digits, never twice the same", () => {
    const tokens = Array.from({ length: 1_000 }, () => nodeRandom.token(20));
    expect(tokens.every((token) => /^[a-z0-9]{20}$/.test(token))).toBe(true);
    expect(new Set(tokens).size).toBe(1_000);
  });
});

describe("the hash of an entry", () => {
  it("is SHA-256 in hex (FIPS 180-2, appendix B.1)", () => {
    expect(hashEntry(new TextEncoder().encode("abc"))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    expect(NO_ENTRY_HASH).toHaveLength(hashEntry(new Uint8Array()).length);
  });
});
