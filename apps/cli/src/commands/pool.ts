import { newRequestId } from "../cluster/cluster-client.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { printList } from "../output/print-list.ts";

export async function listPools(context: Context): Promise<ExitCode> {
  const reply = await context.client.call("pool.list", {});
  printList(context, {
    rows: reply.pools,
    columns: [
      { title: "POOL", value: ({ name }) => name },
      { title: "NODES", value: ({ nodes }) => String(nodes), align: "right" },
      {
        title: "CPU-OVERCOMMIT",
        value: ({ cpuOvercommitPercent }) => timesText(cpuOvercommitPercent),
        align: "right",
      },
    ],
    name: ({ name }) => name,
    json: reply,
    empty: "No pools: no nodes have joined yet.",
  });
  return exitCodes.done;
}

export async function setPool(
  context: Context,
  name: string,
  cpuOvercommit: number,
): Promise<ExitCode> {
  const pool = { name, cpuOvercommit };
  const reply = await context.client.call("pool.configure", { requestId: newRequestId(), pool });
  if (context.isJson) context.printJson(reply);
  else context.print(`${name}  ${reply.change}: ${timesText(reply.pool.cpuOvercommitPercent)}`);
  return exitCodes.done;
}

function timesText(percent: number): string {
  return `${percent / 100}x`;
}
