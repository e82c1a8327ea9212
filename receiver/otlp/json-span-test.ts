/**
 * Which spans of a JSON request are worth encoding: tagged ones, ones in error and local roots.
 * Owns only that first look, which may say yes too often: the scan of the encoded bytes decides.
 * It reads values of any shape without complaint; json-message.ts refuses what is wrong.
 */
import type { Dialect, Discriminator } from '../../schema/dialect.ts';
import type { JsonObject } from './json-message.ts';

const HAS_REMOTE_PARENT = 0x300;

export class JsonSpanTest {
  readonly #keys = new Map<string, Discriminator[]>();

  constructor(dialects: readonly Dialect[]) {
    for (const { when } of dialects.flatMap((dialect) => dialect.roles)) {
      const known = this.#keys.get(when.attribute);
      if (known === undefined) this.#keys.set(when.attribute, [when]);
      else known.push(when);
    }
  }

  mayBeKept(span: JsonObject): boolean {
    return isLocalRoot(span) || isError(span['status']) || this.#isTagged(span['attributes']);
  }

  #isTagged(attributes: unknown): boolean {
    if (!Array.isArray(attributes)) return false;
    for (const attribute of attributes as (JsonObject | null)[]) {
      const key = attribute?.['key'];
      if (typeof key !== 'string') continue;
      const tests = this.#keys.get(key);
      if (tests === undefined) continue;
      const texts = textsOf(attribute?.['value']);
      for (const { values } of tests) if (values?.some((value) => texts.includes(value)) ?? true) return true;
    }
    return false;
  }
}

function textsOf(value: unknown): unknown[] {
  return isObject(value) ? [value['stringValue'], value['string_value']] : [];
}

function isError(status: unknown): boolean {
  if (!isObject(status)) return false;
  const code = status['code'];
  return code === 2 || code === 'STATUS_CODE_ERROR';
}

function isLocalRoot(span: JsonObject): boolean {
  const parents = [span['parentSpanId'], span['parent_span_id']].filter((id) => typeof id === 'string');
  if (parents.length === 0 || parents.some((id) => /^0*$/.test(id))) return true;
  const flags = span['flags'];
  return (Number(flags ?? 0) & HAS_REMOTE_PARENT) === HAS_REMOTE_PARENT;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
