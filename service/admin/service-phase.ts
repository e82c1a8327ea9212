/** Whether the service is starting, up or stopping, as a reason for `/ready`. Owns one word; main.ts changes it. */
import type { Readiness } from '../../schema/contract.ts';

export type Phase = 'starting' | 'up' | 'stopping';

export class ServicePhase implements Readiness {
  #phase: Phase = 'starting';

  enter(phase: Phase): void {
    this.#phase = phase;
  }

  notReadyReason(): string | undefined {
    return this.#phase === 'up' ? undefined : `the service is ${this.#phase}`;
  }
}
