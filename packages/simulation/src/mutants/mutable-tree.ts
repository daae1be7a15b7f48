import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Edit, Mutant } from "./mutant.ts";

const PACKAGES = ["protocol", "runtime", "scheduler", "agent", "simulation"] as const;
/** The folder of the packages: this file is `<package>/dist/mutants/…`. */
const PACKAGES_PATH = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * A copy of the compiled packages in a temporary folder, in which one file at a time is wrong. What
 * they depend on is the repository's own.
 */
export class MutableTree {
  readonly path = mkdtempSync(path.join(tmpdir(), "berth-mutants-"));
  private readonly scope = path.join(this.path, "node_modules", "@berth");

  constructor() {
    const installed = path.join(PACKAGES_PATH, "..", "node_modules");
    mkdirSync(this.scope, { recursive: true });
    for (const name of readdirSync(installed)) {
      if (name === "@berth" || name.startsWith(".bin")) continue;
      symlinkSync(path.join(installed, name), path.join(this.path, "node_modules", name));
    }
    for (const name of PACKAGES) {
      const [from, to] = [path.join(PACKAGES_PATH, name), path.join(this.scope, name)];
      cpSync(path.join(from, "dist"), path.join(to, "dist"), { recursive: true });
      cpSync(path.join(from, "package.json"), path.join(to, "package.json"));
    }
  }

  /** The simulation's own program, over these copies. */
  get program(): string {
    return path.join(this.scope, "simulation", "dist", "main.js");
  }

  /**
   * Makes the mistake; the result undoes it. Throws when a piece to change is not there exactly
   * once: the code has moved on, and the mutant with it.
   */
  apply(mutant: Mutant): () => void {
    const undos: (() => void)[] = [];
    const undoAll = () => {
      for (const undo of undos.toReversed()) undo();
    };
    try {
      undos.push(this.edit(mutant));
      if (mutant.besides) undos.push(this.edit(mutant.besides));
    } catch (cause) {
      undoAll();
      throw cause;
    }
    return undoAll;
  }

  private edit({ file, find, replace }: Edit): () => void {
    const target = path.join(this.scope, file);
    const before = readFileSync(target, "utf8");
    const piece = anywhereIndented(find);
    const found = [...before.matchAll(piece)].length;
    if (found !== 1) throw new Error(`${file} has the piece to change ${found} times`);
    writeFileSync(
      target,
      before.replace(piece, () => replace),
    );
    return () => writeFileSync(target, before);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** How deep a piece is indented, and where its lines end, is not for a mutant to know. */
function anywhereIndented(piece: string): RegExp {
  const words = piece.trim().split(/\s+/);
  return new RegExp(
    words.map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("\\s+"),
    "g",
  );
}
