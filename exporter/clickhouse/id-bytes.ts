/**
 * The id read last, as words: ids come as latin1 strings, of one length or ''.
 * Owns the words until another id is read. Rows that follow each other share ids, and their columns have an id raw and in
 * hex; a character of a string costs 2 ns to read, four times what its byte costs from here.
 */

const hexDigits = '0123456789abcdef';
const hexPairs = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  // Little endian pair: first digit in the low byte.
  hexPairs[byte] = hexDigits.charCodeAt(byte >>> 4) | (hexDigits.charCodeAt(byte & 15) << 8);
}

export class IdBytes {
  readonly #bytes: number;
  /** Four bytes each, the first in the low byte. */
  readonly #words: Int32Array;
  #id = '';

  /** @param bytes length of the ids, a multiple of 4 */
  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes / 4);
  }

  /** Writes the bytes, zeros for ''. Throws a RangeError when the id has another length. */
  write(view: DataView, at: number, id: string): void {
    if (id !== this.#id) this.#read(id);
    const words = this.#words;
    for (let index = 0; index < words.length; index++) view.setInt32(at + index * 4, words[index]!, true);
  }

  /** Writes them in lower-case hex, 32 zeros for ''. Throws as `write` does. */
  writeHex(view: DataView, at: number, id: string): void {
    if (id !== this.#id) this.#read(id);
    const words = this.#words;
    for (let index = 0; index < words.length; index++) {
      const word = words[index]!;
      const start = at + index * 8;
      view.setUint16(start, hexPairs[word & 0xff]!, true);
      view.setUint16(start + 2, hexPairs[(word >>> 8) & 0xff]!, true);
      view.setUint16(start + 4, hexPairs[(word >>> 16) & 0xff]!, true);
      view.setUint16(start + 6, hexPairs[word >>> 24]!, true);
    }
  }

  #read(id: string): void {
    const words = this.#words;
    if (id.length === 0) words.fill(0);
    else if (id.length !== this.#bytes) throw new RangeError(`an id has ${id.length} bytes, expected ${this.#bytes}`);
    else {
      for (let index = 0, at = 0; index < words.length; index++, at += 4) {
        words[index] =
          (id.charCodeAt(at) & 0xff) |
          ((id.charCodeAt(at + 1) & 0xff) << 8) |
          ((id.charCodeAt(at + 2) & 0xff) << 16) |
          (id.charCodeAt(at + 3) << 24);
      }
    }
    this.#id = id;
  }
}
