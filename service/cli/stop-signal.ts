/**
 * SIGTERM and SIGINT: the first asks for an orderly stop, the second ends the process at once.
 * Owns the signals and the deadline of the stop; what stopping means belongs to the stages.
 */
import type { Telemetry } from '../../schema/telemetry.ts';

const deadlineMs = 9_500;
/** npm passes a Ctrl-C on to a process that has had it from the terminal already: one keystroke, two signals. */
const sameKeystrokeMs = 300;

/** Resolves on the first signal. From then on the process ends by itself, by the deadline, or by a second signal. */
export function stopSignal(signals: NodeJS.Process, telemetry: Telemetry): Promise<void> {
  return new Promise((stop) => {
    let firstAt: number | undefined;
    const onSignal = (signal: NodeJS.Signals) => {
      const now = performance.now();
      if (firstAt !== undefined) {
        if (now - firstAt > sameKeystrokeMs) signals.exit(1);
        return;
      }
      firstAt = now;
      telemetry.info('stopping', { signal });
      setTimeout(() => {
        telemetry.error('the stop took too long; what was acknowledged but not written yet is lost', { deadlineMs });
        signals.exit(1);
      }, deadlineMs).unref();
      stop();
    };
    signals.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
}
