import { readFileSync } from "node:fs";

/** What a tool wrote, from `test/fixtures`. */
export function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8");
}
