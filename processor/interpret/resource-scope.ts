/**
 * What stands around a span: its resource and scope (opentelemetry.proto.resource.v1, common.v1).
 * Owns the look-ups that fall back to them, and the identity of a resource.
 */
import type { AttributeKeys } from './attribute-keys.ts';
import type { AttributeValues } from './attribute-values.ts';
import { Reader } from './reader.ts';

interface ResourceSlots {
  readonly environment: readonly number[];
  readonly service: number;
  readonly serviceVersion: number;
}

export class ResourceScope {
  environment = '';
  service = '';
  serviceVersion = '';
  /** 32-bit hash of the resource's bytes. */
  resource = 0;
  readonly #resourceValues: AttributeValues;
  readonly #scopeValues: AttributeValues;
  readonly #slots: ResourceSlots;
  #reader: Reader = Reader.create(new Uint8Array(0));

  constructor(newValues: () => AttributeValues, slots: ResourceSlots) {
    this.#resourceValues = newValues();
    this.#scopeValues = newValues();
    this.#slots = slots;
  }

  static slots(keys: AttributeKeys): ResourceSlots {
    return {
      environment: [keys.slot('deployment.environment.name'), keys.slot('deployment.environment')],
      service: keys.slot('service.name'),
      serviceVersion: keys.slot('service.version'),
    };
  }

  clearResource(reader: Reader): void {
    this.#reader = reader;
    this.#resourceValues.clear(reader);
    this.environment = this.service = this.serviceVersion = '';
    this.resource = 0;
  }

  clearScope(reader: Reader): void {
    this.#scopeValues.clear(reader);
  }

  /** Reads the Resource { attributes = 1 } that ends at `end`; a repeated resource is merged. */
  readResource(end: number): void {
    const reader = this.#reader;
    for (let i = reader.pos; i < end; i++) this.resource = Math.imul(this.resource ^ reader.buf[i]!, 0x01000193);
    readAttributes(reader, end, 0x0a, this.#resourceValues);
    const [named, old] = this.#slots.environment;
    this.environment = this.#resourceValues.text(named!) ?? this.#resourceValues.text(old!) ?? '';
    this.service = this.#resourceValues.text(this.#slots.service) ?? '';
    this.serviceVersion = this.#resourceValues.text(this.#slots.serviceVersion) ?? '';
  }

  /** Reads the InstrumentationScope { attributes = 3 } that ends at `end`. */
  readScope(end: number): void {
    readAttributes(this.#reader, end, 0x1a, this.#scopeValues);
  }

  /** A text of the resource, else of the scope. */
  text(slot: number): string | undefined {
    return this.#resourceValues.text(slot) ?? this.#scopeValues.text(slot);
  }
}

function readAttributes(reader: Reader, end: number, attributesTag: number, values: AttributeValues): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === attributesTag) {
      const length = reader.uint32();
      values.readKeyValue(reader.pos + length);
    } else {
      reader.skipType(tag & 7);
    }
  }
}
