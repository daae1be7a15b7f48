import { request } from "node:http";
import { connect } from "node:net";
import type { CheckSpec } from "@berth/protocol";
import type { ProbeResult } from "../core/check-health.ts";

const HOST = "127.0.0.1";
const FIRST_BAD_STATUS = 400;

/** Asks once. Never rejects; resolves within the check's timeout. */
export function probe(
  check: CheckSpec,
  ports: Readonly<Record<string, number>>,
): Promise<ProbeResult> {
  const port = ports[check.probe.port];
  if (port === undefined) {
    return Promise.resolve({ passed: false, message: `no port ${check.probe.port} was granted` });
  }
  return check.probe.type === "http"
    ? probeHttp(port, check.probe.path, check.timeoutMs)
    : probeTcp(port, check.timeoutMs);
}

function probeHttp(port: number, path: string, timeoutMs: number): Promise<ProbeResult> {
  const what = `GET http://${HOST}:${port}${path}`;
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const outgoing = request({ host: HOST, port, path, agent: false, signal }, (response) => {
      const status = response.statusCode ?? 0;
      const passed = status >= 100 && status < FIRST_BAD_STATUS;
      response.destroy();
      resolve(passed ? { passed } : { passed, message: `${what}: status ${status}` });
    });
    outgoing.on("error", (cause) => {
      const why = signal.aborted ? `no answer within ${timeoutMs} ms` : cause.message;
      resolve({ passed: false, message: `${what}: ${why}` });
    });
    outgoing.end();
  });
}

function probeTcp(port: number, timeoutMs: number): Promise<ProbeResult> {
  const what = `connect to ${HOST}:${port}`;
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    const finish = (result: ProbeResult) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeoutMs, () =>
      finish({ passed: false, message: `${what}: no answer within ${timeoutMs} ms` }),
    );
    socket.once("connect", () => finish({ passed: true }));
    socket.once("error", (cause) =>
      finish({ passed: false, message: `${what}: ${cause.message}` }),
    );
  });
}
