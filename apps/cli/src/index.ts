export {
  type ClusterFile,
  clusterFilePath,
  type ProcessIdentity,
  readClusterFile,
} from "./cluster/cluster-file.ts";
export { type ExitCode, exitCodes } from "./exit-codes.ts";
export { main } from "./main.ts";
