/**
 * A mistake in what the user told Finishline: one readable line each, exit code 2.
 * Owns no printing. Only mistakes that a person must mend before the service can start are of this kind.
 */

export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** One line for each mistake: `where: key: what is wrong`. */
  readonly lines: readonly string[];

  constructor(lines: readonly string[], options: { cause?: unknown } = {}) {
    super(lines.join('\n'), 'cause' in options ? { cause: options.cause } : undefined);
    this.lines = lines;
  }
}
