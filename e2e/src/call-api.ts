import {
  type ApiMethod,
  type ApiReply,
  type ApiRequest,
  BerthError,
  type Reply,
  subjects,
} from "@berth/protocol";
import type { Bus } from "@berth/runtime";

const TIMEOUT_MS = 2_000;

/** One call, tried once. Rejects with a `BerthError`: its own, or the one that was answered. */
export async function callApi<M extends ApiMethod>(
  bus: Bus,
  method: M,
  params: ApiRequest<M>,
): Promise<ApiReply<M>> {
  const body = { v: 1, ...params };
  const reply = await bus.request(subjects.api(method), body, { timeoutMs: TIMEOUT_MS });
  const answer = reply as Reply<ApiReply<M>>;
  if (answer.ok) return answer.value;
  throw BerthError.fromWire(answer.error);
}
