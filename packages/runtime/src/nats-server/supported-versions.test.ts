import { describe, expect, test } from "vitest";
import { checkServerVersion, minimumVersionFor } from "./supported-versions.ts";

describe("which servers may keep the log", () => {
  test.each(["2.9.10", "2.10.27", "2.15.1"])("alone, %s may without a word", (version) => {
    expect(checkServerVersion(version, 1)).toBeNull();
  });

  test("alone, one older than any that was tried may not", () => {
    expect(() => checkServerVersion("2.9.9", 1)).toThrow(/2\.9\.9 is too old; 2\.9\.10 needed/);
  });

  test.each(["2.9.10", "2.9.25", "2.10.26"])(
    "as one of several, %s may not: such servers lost acknowledged appends",
    (version) => {
      expect(() => checkServerVersion(version, 3)).toThrow(
        expect.objectContaining({
          code: "invalid",
          message: expect.stringContaining("lost acknowledged appends"),
          hint: expect.stringContaining("2.12.0"),
        }),
      );
    },
  );

  test.each(["2.10.27", "2.11.9"])("as one of several, %s may with a warning", (version) => {
    expect(checkServerVersion(version, 3)).toContain(version);
  });

  test.each(["2.12.0", "2.15.1"])("as one of several, %s may without a word", (version) => {
    expect(checkServerVersion(version, 3)).toBeNull();
  });

  test("the version to look for is the one that will be let in", () => {
    expect(checkServerVersion(minimumVersionFor(1), 1)).toBeNull();
    expect(() => checkServerVersion(minimumVersionFor(3), 3)).not.toThrow();
  });
});
