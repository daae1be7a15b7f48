/**
 * What agents, schedulers, consoles and the command line say to each other: identifiers,
 * quantities, the workload spec, the log's events, subjects and error codes. Schemas are written
 * once with zod; every type is inferred from one. Nothing here does any input or output.
 */
export * from "./agent-messages.ts";
export * from "./allocation.ts";
export * from "./api.ts";
export * from "./console-feed.ts";
export * from "./console-feed-terms.ts";
export * from "./constraint.ts";
export * from "./device-name.ts";
export * from "./errors.ts";
export * from "./events.ts";
export * from "./explanation.ts";
export * from "./explanation-text.ts";
export * from "./hardware.ts";
export * from "./headroom-dimensions.ts";
export * from "./ids.ts";
export * from "./inventory.ts";
export * from "./lease.ts";
export * from "./policy-api.ts";
export * from "./project-input.ts";
export * from "./limits.ts";
export * from "./project.ts";
export * from "./quantity.ts";
export * from "./quantity-fields.ts";
export * from "./remedy-text.ts";
export * from "./resources.ts";
export * from "./snapshot.ts";
export * from "./subjects.ts";
export * from "./utf8-length.ts";
export * from "./validate-workloads.ts";
export * from "./value-order.ts";
export * from "./views.ts";
export * from "./what-if.ts";
export * from "./workload-input.ts";
export * from "./workload-json-schema.ts";
export * from "./workload-spec.ts";
