import { allocationId } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { expiredFolders } from "./retention.ts";

describe("finished folders", () => {
  const folder = (number: number, sizeBytes: number, isSettled = true) => ({
    allocationId: allocationId(number),
    finishedAtUnixMs: number,
    sizeBytes,
    isSettled,
  });
  test("go oldest first beyond a number or a size, but never before they are settled", () => {
    const three = [folder(1, 10), folder(2, 10), folder(3, 10)];
    expect(expiredFolders(three, { foldersMax: 2, bytesMax: 100 })).toEqual(["a1"]);
    expect(expiredFolders(three, { foldersMax: 9, bytesMax: 25 })).toEqual(["a1"]);
    const unsettled = [folder(1, 10, false), folder(2, 10), folder(3, 10)];
    expect(expiredFolders(unsettled, { foldersMax: 1, bytesMax: 100 })).toEqual(["a2"]);
  });
});
