/**
 * A dialect table with its attribute keys resolved to slots, ready to be asked per span.
 * Owns the compilation and the role decision; what the values mean is the interpreter's.
 */
import type { Dialect, Discriminator, OutcomeValue } from '../../schema/dialect.ts';
import { EventRole } from '../event.ts';
import type { AttributeKeys } from './attribute-keys.ts';
import type { AttributeValues } from './attribute-values.ts';

type AttributeUse = keyof Dialect['attributes'];

interface CompiledRule {
  readonly role: EventRole;
  readonly slot: number;
  readonly values: ReadonlySet<string> | undefined;
}

export class CompiledDialect {
  readonly name: string;
  readonly unsetIsSuccess: boolean;
  readonly slots: Readonly<Record<AttributeUse, readonly number[]>>;
  readonly #rules: readonly CompiledRule[];
  readonly #outcomeSlot: number;
  readonly #outcomes: ReadonlyMap<string, OutcomeValue>;

  constructor(dialect: Dialect, keys: AttributeKeys) {
    this.name = dialect.name;
    this.unsetIsSuccess = dialect.unset === 'success';
    this.#rules = dialect.roles.map(({ role, when }) => compileRule(role, when, keys));
    const uses = Object.entries(dialect.attributes) as [AttributeUse, readonly string[]][];
    this.slots = Object.fromEntries(
      uses.map(([use, names]) => [use, names.map((name) => keys.slot(name))]),
    ) as unknown as Record<AttributeUse, readonly number[]>;
    this.#outcomeSlot = dialect.outcome === undefined ? -1 : keys.slot(dialect.outcome.attribute);
    this.#outcomes = new Map(Object.entries(dialect.outcome?.values ?? {}));
  }

  /** The role by the first rule that holds; UNTAGGED when none does. */
  role(attributes: AttributeValues): EventRole {
    for (const rule of this.#rules) {
      if (!attributes.has(rule.slot)) continue;
      if (rule.values === undefined || rule.values.has(attributes.text(rule.slot) ?? '')) return rule.role;
    }
    return EventRole.UNTAGGED;
  }

  /** The outcome that an attribute states; '' when it states none, or one that the table does not know. */
  outcome(attributes: AttributeValues): OutcomeValue | '' {
    if (this.#outcomeSlot === -1) return '';
    const value = attributes.text(this.#outcomeSlot);
    return value === undefined ? '' : (this.#outcomes.get(value.toLowerCase()) ?? '');
  }
}

function compileRule(role: 'workflow' | 'step', when: Discriminator, keys: AttributeKeys): CompiledRule {
  return {
    role: role === 'workflow' ? EventRole.WORKFLOW : EventRole.STEP,
    slot: keys.slot(when.attribute),
    values: when.values === undefined ? undefined : new Set(when.values),
  };
}
