/** The version of this build of Berth. */
export const VERSION = "0.1.0";
