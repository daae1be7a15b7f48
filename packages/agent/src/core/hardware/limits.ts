/** What a description tells at most of lists that nothing is placed by, those that matter least first. */
export const describedMax = {
  /** Software makes them: containers, loops. */
  fileSystems: 64,
  /** Software makes them: virtual functions. */
  networkInterfaces: 64,
  disks: 128,
  rdmaPorts: 64,
} as const;

/** Addresses of one interface. */
export const ADDRESSES_MAX = 8;
/** Characters of the path of a mount, and of its device. */
export const PATH_LENGTH_MAX = 256;
