import { execFile, execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { ensureNatsServer, minimumVersionFor } from "@berth/runtime/nats-server";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("make-configs.mjs", import.meta.url));
const hosts = ["--host", "a=10.0.0.1", "--host", "b=10.0.0.2", "--host", "c=db3.example.org"];
const minimumVersion = minimumVersionFor(3);
const program = await ensureNatsServer({ minimumVersion }).catch(() => null);
const hasOpenssl = await promisify(execFile)("openssl", ["version"]).then(
  () => true,
  () => false,
);
let out: string;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), "berth-deploy-"));
});
afterEach(() => rmSync(out, { recursive: true }));

function run(...args: string[]) {
  return promisify(execFile)(process.execPath, [SCRIPT, "--out", out, ...args]);
}

function config(name: string): string {
  return readFileSync(join(out, name, "nats.conf"), "utf8");
}

test("each server listens on its own address only, and knows the other two", async () => {
  await run(...hosts);
  expect(config("b")).toContain('listen: "10.0.0.2:4222"');
  expect(config("b")).toContain('listen: "10.0.0.2:6222"');
  expect(config("b")).toContain('server_name: "b"');
  for (const address of ["10.0.0.1", "10.0.0.2", "db3.example.org"]) {
    expect(config("a")).toMatch(new RegExp(`nats-route://route:[0-9a-f]{64}@${address}:6222`));
  }
  expect(statSync(join(out, "a", "nats.conf")).mode & 0o777).toBe(0o600);
});

test("a second run keeps every key, and adds those of new agents", async () => {
  await run(...hosts, "--agent", "r1-s01");
  const before = config("a");
  await run(...hosts);
  expect(config("a")).toBe(before);
  await run(...hosts, "--agent", "r1-s02");
  const users = (text: string) => text.match(/nkey: U\w+/g) ?? [];
  expect(users(config("a"))).toEqual(expect.arrayContaining(users(before)));
  expect(users(config("a"))).toHaveLength(users(before).length + 1);
});

describe.skipIf(program === null)("a nats-server that may be one of three", () => {
  const check = (name: string) =>
    promisify(execFile)(program?.path ?? "", ["-t", "-c", onThisMachine(name)]);

  test("accepts what is written", async () => {
    await run(...hosts, "--agent", "r1-s01");
    await check("a");
  });

  test.skipIf(!hasOpenssl)("accepts it with TLS", async () => {
    await run(...hosts, "--tls");
    makeCertificate(join(out, "tls"));
    await check("c");
  });
});

test.each([
  ["two hosts", ["--host", "a=10.0.0.1", "--host", "b=10.0.0.2"], /three times/],
  ["one name twice", [...hosts.slice(0, 4), "--host", "a=10.0.0.3"], /three times/],
  ["no address", [...hosts.slice(0, 4), "--host", "c"], /<name>=<address>/],
  ["an address with more to it", [...hosts.slice(0, 4), "--host", "c=x:1/@y"], /<name>=<address>/],
  ["an agent that would be a path", [...hosts, "--agent", "../x"], /node's name/],
])("%s: it says what is wrong and writes nothing", async (_, args, message) => {
  await expect(run(...args)).rejects.toThrow(message);
  expect(existsSync(join(out, "a"))).toBe(false);
});

/** The same configuration with its folders inside the test's own. */
function onThisMachine(name: string): string {
  const file = join(out, name, "checked.conf");
  const text = config(name)
    .replaceAll("/etc/berth/tls", join(out, "tls"))
    .replaceAll(/\/var\/(lib|log)\/berth/g, out);
  writeFileSync(file, text);
  return file;
}

function makeCertificate(folder: string): void {
  mkdirSync(folder);
  const subject = ["-subj", "/CN=berth", "-days", "1", "-nodes", "-newkey", "rsa:2048"];
  const files = ["-keyout", join(folder, "server-key.pem"), "-out", join(folder, "server.pem")];
  execFileSync("openssl", ["req", "-x509", ...subject, ...files], { stdio: "pipe" });
  writeFileSync(join(folder, "ca.pem"), readFileSync(join(folder, "server.pem")));
}
