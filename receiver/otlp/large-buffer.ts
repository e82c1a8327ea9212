/**
 * Gives the memory of a large body back as soon as nobody reads it any more.
 * Owns that decision alone. Garbage outside the heap hardly hastens a collection: the
 * chunks of a few bodies of 20 MiB would otherwise wait for one together, and cost it time.
 */

/** Below it the collector does well enough. A chunk that a socket gives has up to 64 KiB. */
const LARGE_BYTES = 8 * 1024;

/**
 * Frees a buffer that nothing uses after this call. Buffers that share their memory with others are left alone.
 * Every view of it is empty afterwards.
 */
export function release(buffer: Buffer): void {
  const memory = buffer.buffer;
  if (memory.byteLength < LARGE_BYTES || memory.byteLength !== buffer.length) return;
  if (memory instanceof ArrayBuffer && !memory.detached) memory.transfer(0);
}
