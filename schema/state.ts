/** The states of a run and which of them count. Owns no transitions: `derive` computes states from events. */

export type TerminalState = 'SUCCEEDED' | 'FAILED' | 'ABANDONED' | 'CANCELLED' | 'SKIPPED' | 'CONTINUED';
export type OpenState = 'PENDING' | 'RUNNING' | 'SUSPENDED';
export type RunState = OpenState | TerminalState;

/** Data-quality marks of a run (DESIGN section 4), stored sorted. */
export type Quality =
  | 'no_root'
  | 'late'
  | 'amended'
  | 'truncated'
  | 'clock_skew'
  | 'clamped'
  | 'ambiguous'
  | 'sampled'
  | 'synthetic_end'
  | 'split';
