/**
 * Numbers for the names that events repeat: processes, steps, services, error types.
 * Owns a table bounded by what two bytes can say; names that come when it is full have no number.
 */

const FULL = 0xffff;
/** Longer ones are hardly names, and must not fill the memory for good. */
const MAX_LENGTH = 200;

export class NameNumbers {
  /** Stands where a number would, and means that there is none. */
  static readonly NONE = FULL;

  readonly #numbers = new Map<string, number>([['', 0]]);
  readonly #texts: string[] = [''];

  /** The name's number; undefined when it is too long or the table is full. */
  number(text: string): number | undefined {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (this.#texts.length === FULL || text.length > MAX_LENGTH) return undefined;
    this.#numbers.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  /** Undefined for {@link NameNumbers.NONE}. */
  text(number: number): string | undefined {
    return this.#texts[number];
  }
}
