import { dimensions, type Grant, type ResourceAmounts } from "@berth/protocol";

export const NO_PORTS: Grant["ports"] = {};
export const NO_GPUS: Grant["gpuUuids"] = [];

/** What few grants have: shares, counted devices, one disk of several, a zone, cores of its own. */
export type SpecialGrant = Omit<Grant, keyof ResourceAmounts | "gpuUuids" | "ports">;
export const NOTHING_SPECIAL: SpecialGrant = {};

/** Fields of a grant with nothing special. */
export const ORDINARY_FIELDS = dimensions.length + ["gpuUuids", "ports"].length;
