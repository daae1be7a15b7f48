/** Answers to which nodes a request may go to that are remembered; the oldest are worked out again. */
export const MASKS_REMEMBERED_MAX = 256;
