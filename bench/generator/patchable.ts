/**
 * Serialised bytes of which some are still open: ids and times that are written in place before each use.
 * Owns the assembling (parts are joined, their open places move along) and nothing of any format.
 */

export type PatchKind = 'traceId' | 'spanId' | 'parentSpanId' | 'start' | 'end' | 'event';

export interface Patch {
  readonly kind: PatchKind;
  readonly at: number;
  /** Which span of the request. */
  readonly place: number;
}

export interface Patchable {
  readonly bytes: Buffer;
  readonly patches: readonly Patch[];
}

export function fixed(bytes: Buffer): Patchable {
  return { bytes, patches: [] };
}

/** `width` bytes to be filled in later. */
export function open(kind: PatchKind, place: number, width: number): Patchable {
  return { bytes: Buffer.alloc(width, 0x30), patches: [{ kind, at: 0, place }] };
}

export function joined(parts: readonly Patchable[]): Patchable {
  let offset = 0;
  const patches: Patch[] = [];
  for (const part of parts) {
    for (const patch of part.patches) patches.push({ ...patch, at: patch.at + offset });
    offset += part.bytes.length;
  }
  return { bytes: Buffer.concat(parts.map((part) => part.bytes)), patches };
}
