/** The `Bus` and `Log` ports over NATS and JetStream. Nothing else in Berth imports `nats`. */
export { NatsBus } from "./bus.ts";
export { type BusOptions, connectBus, openBus, publicKeyOf } from "./connect.ts";
export { ensureLeaseStream, natsLease, type NatsLeaseOptions } from "./lease.ts";
export { natsLogKeeper } from "./log-keeper.ts";
export { natsLog, type NatsLogOptions } from "./log.ts";
export {
  ensureLogStream,
  type LogPlacement,
  logPlacement,
  type LogStreamOptions,
} from "./log-stream.ts";
export { ensureSnapshotStream, natsSnapshots } from "./snapshots.ts";
