/** Where the page is. The URL's hash holds all of it, so that a link shows the same again. */
export type Route =
  | { readonly page: "home"; readonly filter: string }
  | { readonly page: "nodes"; readonly filter: string }
  | { readonly page: "node"; readonly filter: string; readonly id: string }
  | { readonly page: "workloads"; readonly filter: string }
  | {
      readonly page: "workload";
      readonly filter: string;
      readonly project: string;
      readonly name: string;
    }
  | {
      readonly page: "allocation";
      readonly filter: string;
      readonly id: string;
      readonly stream: "stdout" | "stderr";
    }
  | { readonly page: "events"; readonly filter: string }
  | { readonly page: "missing"; readonly filter: string; readonly path: string };

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const params = new URLSearchParams(query);
  const filter = params.get("q") ?? "";
  const segments = path.split("/").filter((segment) => segment !== "");
  const [section, first, second] = segments.map(decodeSegment);
  const depth = segments.length;
  if (section === undefined) return { page: "home", filter };
  if (section === "events" && depth === 1) return { page: "events", filter };
  if (section === "nodes") {
    if (first === undefined) return { page: "nodes", filter };
    if (depth === 2) return { page: "node", filter, id: first };
  }
  if (section === "workloads") {
    if (first === undefined) return { page: "workloads", filter };
    if (second !== undefined && depth === 3) {
      return { page: "workload", filter, project: first, name: second };
    }
  }
  if (section === "allocations" && first !== undefined && depth === 2) {
    const stream = params.get("stream") === "stderr" ? "stderr" : "stdout";
    return { page: "allocation", filter, id: first, stream };
  }
  return { page: "missing", filter, path };
}

export function formatRoute(route: Route): string {
  const params = new URLSearchParams();
  if (route.page === "allocation" && route.stream === "stderr") params.set("stream", "stderr");
  if (route.filter !== "") params.set("q", route.filter);
  const query = params.toString();
  return `#${pathOf(route)}${query === "" ? "" : `?${query}`}`;
}

export const homeHref = "#/";
export const nodesHref = "#/nodes";
export const workloadsHref = "#/workloads";
export const eventsHref = "#/events";

export function nodeHref(id: string): string {
  return formatRoute({ page: "node", filter: "", id });
}

/** `id` is `project/name`. */
export function workloadHref(id: string): string {
  const slash = id.indexOf("/");
  const [project, name] = [id.slice(0, slash), id.slice(slash + 1)];
  return formatRoute({ page: "workload", filter: "", project, name });
}

export function allocationHref(id: string): string {
  return formatRoute({ page: "allocation", filter: "", id, stream: "stdout" });
}

function pathOf(route: Route): string {
  const encode = encodeURIComponent;
  switch (route.page) {
    case "home":
      return "/";
    case "nodes":
    case "workloads":
    case "events":
      return `/${route.page}`;
    case "node":
      return `/nodes/${encode(route.id)}`;
    case "workload":
      return `/workloads/${encode(route.project)}/${encode(route.name)}`;
    case "allocation":
      return `/allocations/${encode(route.id)}`;
    case "missing":
      return route.path;
  }
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
