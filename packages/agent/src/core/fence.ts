import type { Fence } from "@berth/protocol";

/** Orders fences by term, then generation: negative when `left` is older. */
export function compareFences(left: Fence, right: Fence): number {
  return left.term - right.term || left.generation - right.generation;
}

/** Null is older than every fence. */
export function isNewer(fence: Fence, than: Fence | null): boolean {
  return than === null || compareFences(fence, than) > 0;
}

export function isSameFence(left: Fence | null, right: Fence | null): boolean {
  return left === null || right === null ? left === right : compareFences(left, right) === 0;
}
