/** How long a command waits for an answer. */
export interface Patience {
  /** Within this, a command that nobody answers has ended, Node's own start included. */
  readonly answerMs: number;
  /**
   * The same where several servers keep the log and one of them can be reached: an election among
   * them takes 4 to 9 s, and what was asked meanwhile is answered after it.
   */
  readonly electionMs: number;
  /** A command that waits says so after this. */
  readonly noteAfterMs: number;
}

export const patience: Patience = { answerMs: 4_500, electionMs: 12_000, noteAfterMs: 1_000 };
