import type { RdmaPort } from "@berth/protocol";
import { listSys, readSys, readSysNumber } from "./sys-files.ts";

const MBPS_PER_GBPS = 1_000;

/** The ports of RDMA adapters, as the kernel has them. */
export function discoverRdmaPorts(sys = "/sys"): RdmaPort[] {
  const folder = `${sys}/class/infiniband`;
  return listSys(folder).flatMap((device) =>
    listSys(`${folder}/${device}/ports`)
      .filter((port) => /^[1-9]\d*$/.test(port))
      .map((port) => {
        const at = `${folder}/${device}/ports/${port}`;
        return {
          device,
          port: Number(port),
          linkLayer: readSys(`${at}/link_layer`),
          speedMbps: speedOf(readSys(`${at}/rate`)),
          // `4: ACTIVE`
          up: (readSys(`${at}/state`) ?? "").endsWith("ACTIVE"),
          networkInterface: listSys(`${folder}/${device}/device/net`)[0] ?? null,
          numaNode: readSysNumber(`${folder}/${device}/device/numa_node`),
        };
      }),
  );
}

/** `100 Gb/sec (4X EDR)` */
function speedOf(rate: string | null): number | null {
  const gbps = /^(\d+(?:\.\d+)?) Gb\/sec/.exec(rate ?? "")?.[1];
  return gbps === undefined ? null : Math.round(Number(gbps) * MBPS_PER_GBPS);
}
