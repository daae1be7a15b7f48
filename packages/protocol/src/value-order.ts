/**
 * The order of what constraints compare: numbers by value, versions part by part, so that 6.9 comes
 * before 6.10. Anything else has no order, and a comparison with it is false.
 */
const NUMBER = /^-?\d+(\.\d+)?$/;
const VERSION = /^v?\d+([.+~_-][0-9A-Za-z.+~_-]*)?$/;

/** Whether a value can be compared by `<` and the like at all. */
export function hasOrder(value: string): boolean {
  return NUMBER.test(value) || VERSION.test(value);
}

export function isNumber(value: string): boolean {
  return NUMBER.test(value);
}

/** Negative when `a` comes first, 0 when they are equal; null when they have no order. */
export function orderOf(a: string, b: string): number | null {
  const areNumbers = NUMBER.test(a) && NUMBER.test(b);
  // Of two with a dot nobody knows whether 1.10 is 1.1 or comes after 1.9; versions are commoner.
  const areVersions = VERSION.test(a) && VERSION.test(b);
  if (areNumbers && !(areVersions && a.includes(".") && b.includes("."))) {
    return Number(a) - Number(b);
  }
  return areVersions ? orderOfVersions(a, b) : null;
}

function orderOfVersions(a: string, b: string): number {
  const left = partsOf(a);
  const right = partsOf(b);
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = orderOfParts(left[at] ?? "", right[at] ?? "");
    if (difference !== 0) return difference;
  }
  return 0;
}

function partsOf(version: string): string[] {
  return version.replace(/^v/, "").split(/[.+~_-]/);
}

/** A part that is missing is 0; text comes after numbers. */
function orderOfParts(a: string, b: string): number {
  if (/^\d*$/.test(a) && /^\d*$/.test(b)) return Number(a) - Number(b);
  if (/^\d*$/.test(a)) return -1;
  if (/^\d*$/.test(b)) return 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
