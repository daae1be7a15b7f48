/** A whole embedded cluster as a test subject: real processes, real nats-server, one folder. */
export * from "./call-api.ts";
export * from "./cluster.ts";
export * from "./log-audit.ts";
export * from "./network-namespace.ts";
export * from "./processes.ts";
export * from "./replicated-cluster.ts";
export * from "./submitter.ts";
export * from "./until.ts";
