import { BerthError, type Upstream } from "@berth/protocol";
import type { Bus, Logger } from "@berth/runtime";
import { type Context, Hono } from "hono";
import { httpStatusOf } from "./http-status.ts";
import type { HostGuard } from "./host-guard.ts";
import { parseQuery, type ReadApi } from "./read-api.ts";
import { LogsQuery, readLogs } from "./read-logs.ts";
import { securityHeaders } from "./security-headers.ts";
import type { StaticFile } from "./static-files.ts";

export interface HttpComponents {
  readonly bus: Bus;
  readonly guard: HostGuard;
  readonly logger: Logger;
  readonly readApi: ReadApi;
  readonly readUpstream: () => Upstream;
  /** There is a state to serve. */
  readonly isReady: () => boolean;
  /** The newest snapshot of the feed as JSON. */
  readonly snapshot: () => Uint8Array<ArrayBuffer>;
  readonly files: ReadonlyMap<string, StaticFile>;
}

const IMMUTABLE = "public, max-age=31536000, immutable";

/** Every answer of the gateway over HTTP. Errors are `WireError` as JSON, with the right status. */
export function httpApp(components: HttpComponents): Hono {
  const { guard } = components;
  const app = new Hono();
  app.use(async (context, next) => {
    const { method } = context.req;
    const host = context.req.header("host");
    if (!guard.allowsRequest(host, context.req.header("origin"))) {
      throw new BerthError("denied", "this console does not answer under that name", {
        hint: "Open it under the address that berth status prints.",
      });
    }
    if (method !== "GET" && method !== "HEAD") {
      context.header("allow", "GET, HEAD");
      return context.json(new BerthError("denied", "the console only reads").toWire(), 405);
    }
    await next();
    return undefined;
  });
  // Registered after the guard and applied on the way out, to refusals as well.
  app.notFound((context) => serveFile(components, context));
  app.onError((error, context) => errorAnswer(components, error, context));
  addHealth(app, components);
  addApi(app, components);
  return withHeaders(app);
}

/** Wraps the whole, so that no answer leaves without them, whoever made it. */
function withHeaders(inner: Hono): Hono {
  const outer = new Hono();
  outer.all("*", async (context) => {
    const answer = await inner.fetch(context.req.raw, context.env);
    const response = new Response(answer.body, answer);
    const host = context.req.header("host") ?? "";
    const safeHost = /^[\w.:-]{1,255}$/.test(host) ? host : "localhost";
    for (const [name, value] of Object.entries(securityHeaders(safeHost))) {
      response.headers.set(name, value);
    }
    if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
    return response;
  });
  return outer;
}

function addHealth(app: Hono, { readUpstream, isReady }: HttpComponents): void {
  app.get("/healthz", (context) => context.json({ ok: true }));
  app.get("/readyz", (context) => {
    const ready = isReady();
    return context.json({ ready, upstream: readUpstream() }, ready ? 200 : 503);
  });
}

function addApi(app: Hono, components: HttpComponents): void {
  const { readApi } = components;
  const v1 = new Hono();
  v1.get("/status", (context) => context.json(readApi.status()));
  v1.get("/nodes", (context) => {
    const { after, ...page } = pageOf(context);
    const number = after === null ? null : Number(after);
    return context.json(readApi.query("node.list", { ...page, after: number }));
  });
  v1.get("/nodes/:node", (context) =>
    context.json(readApi.query("node.get", { node: context.req.param("node") })),
  );
  v1.get("/workloads", (context) => {
    const project = context.req.query("project") ?? null;
    return context.json(readApi.query("workload.list", { ...pageOf(context), project }));
  });
  v1.get("/workloads/:project/:name", (context) =>
    context.json(readApi.query("workload.get", { workload: workloadOf(context.req.param()) })),
  );
  v1.get("/workloads/:project/:name/why", (context) =>
    context.json(readApi.query("workload.why", { workload: workloadOf(context.req.param()) })),
  );
  v1.get("/allocations", (context) => {
    const { workload = null, node = null, all } = context.req.query();
    const params = { ...pageOf(context), workload, node, all: isSet(all) };
    return context.json(readApi.query("allocation.list", params));
  });
  v1.get("/allocations/:id", (context) =>
    context.json(readApi.query("allocation.get", { allocation: context.req.param("id") })),
  );
  v1.get("/allocations/:id/logs", async (context) => {
    const query = parseQuery(LogsQuery, context.req.query());
    return context.json(await readLogs(components, context.req.param("id"), query));
  });
  v1.get("/events", async (context) =>
    context.json(await readApi.events(eventParams(context.req.query()), context.req.raw.signal)),
  );
  v1.get("/snapshot", (context) => {
    readApi.query("cluster.status", {});
    return context.body(components.snapshot(), 200, { "content-type": "application/json" });
  });
  v1.all("*", (context) => {
    throw new BerthError("not_found", `no such resource: ${context.req.path}`);
  });
  app.route("/api/v1", v1);
}

function workloadOf({ project, name }: { project: string; name: string }): string {
  return `${project}/${name}`;
}

/** Which page of a listing: `after` the last of the one before, at most `limit`. */
function pageOf(context: Context): { after: string | null; limit?: number } {
  const { after = null, limit } = context.req.query();
  return { after, ...(limit === undefined ? {} : { limit: Number(limit) }) };
}

function isSet(flag: string | undefined): boolean {
  return flag !== undefined && flag !== "false" && flag !== "0";
}

/** Numbers arrive as text; the method's own schema says what is wrong with them. */
function eventParams(query: Record<string, string>): unknown {
  const { after, newest, limit, wait, workload = null, node = null } = query;
  return {
    ...(after === undefined ? {} : { afterSeq: Number(after) }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    ...(wait === undefined ? {} : { waitMs: Number(wait) }),
    newest: isSet(newest),
    workload,
    node,
  };
}

function serveFile({ files }: HttpComponents, context: Context): Response {
  const file = files.get(context.req.path);
  if (file === undefined) {
    throw new BerthError("not_found", `no such page: ${context.req.path.slice(0, 200)}`);
  }
  const headers = {
    "cache-control": file.isImmutable ? IMMUTABLE : "no-cache",
    "content-type": file.contentType,
    etag: file.etag,
  };
  if (context.req.header("if-none-match") === file.etag) return context.body(null, 304, headers);
  return context.body(file.body, 200, headers);
}

function errorAnswer({ logger }: HttpComponents, error: Error, context: Context): Response {
  if (error instanceof BerthError) {
    return context.json(error.toWire(), httpStatusOf(error.code));
  }
  logger.count("http.internal", "a request failed", { path: context.req.path, error });
  const wire = new BerthError("internal", "the console failed to answer; its log says why");
  return context.json(wire.toWire(), 500);
}
