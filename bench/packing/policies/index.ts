import type { PolicyFactory } from "../policy.ts";
import {
  bestFit,
  dotProduct,
  firstFit,
  gpuClustering,
  gpuPacking,
  randomFit,
} from "./baselines.ts";
import { berth, berthOnline } from "./berth.ts";
import { fgd, fgdAllClasses } from "./fgd.ts";

/** Every policy by the name the command line and the tables use. */
export const POLICIES: Readonly<Record<string, PolicyFactory>> = {
  random: randomFit,
  "dot-product": dotProduct,
  "gpu-clustering": gpuClustering,
  "gpu-packing": gpuPacking,
  "best-fit": bestFit,
  "first-fit": firstFit,
  fgd,
  "fgd-all-classes": fgdAllClasses,
  "berth-online": berthOnline,
  berth,
};
