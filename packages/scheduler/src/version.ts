/** In `LeaderStarted` and in the cluster's status. The release that changes it changes every package. */
export const SCHEDULER_VERSION = "0.1.0";
