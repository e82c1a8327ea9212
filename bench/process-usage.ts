/**
 * CPU time and memory of a process and its descendants, read from /proc: every thread, the engine's process apart.
 * Linux only. Ticks are 10 ms: measure seconds, not moments.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  /** CPU seconds (user + system) of the service's own processes. */
  readonly serviceCpuSeconds: number;
  /** CPU seconds of the process that hosts the ClickHouse engine. */
  readonly engineCpuSeconds: number;
  /** Resident memory now, in bytes. */
  readonly serviceRssBytes: number;
  readonly engineRssBytes: number;
}

const ticksPerSecond = 100;
const pageBytes = 4096;
const engineProgram = 'embedded/launcher.ts';

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

export function usageOf(rootPid: number): Usage {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? []);
  const family = [rootPid];
  for (let i = 0; i < family.length; i++) {
    family.push(...all.filter((stat) => stat.parent === family[i]).map((stat) => stat.pid));
  }
  const members = all.filter((stat) => family.includes(stat.pid));
  const engine = members.filter((stat) => commandOf(stat.pid).includes(engineProgram));
  const service = members.filter((stat) => !engine.includes(stat));
  return {
    serviceCpuSeconds: sum(service.map((stat) => stat.cpuSeconds)),
    engineCpuSeconds: sum(engine.map((stat) => stat.cpuSeconds)),
    serviceRssBytes: sum(service.map((stat) => stat.rssBytes)),
    engineRssBytes: sum(engine.map((stat) => stat.rssBytes)),
  };
}

/** Process id of the engine's host below `rootPid`; undefined while none runs. */
export function enginePidOf(rootPid: number): number | undefined {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (stat?.parent === rootPid && commandOf(stat.pid).includes(engineProgram)) return stat.pid;
  }
  return undefined;
}

/** Watches the memory of a process family until it is disposed. */
export class PeakMemory implements Disposable {
  serviceBytes = 0;
  engineBytes = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(rootPid: number) {
    this.#timer = setInterval(() => {
      const usage = usageOf(rootPid);
      this.serviceBytes = Math.max(this.serviceBytes, usage.serviceRssBytes);
      this.engineBytes = Math.max(this.engineBytes, usage.engineRssBytes);
    }, 200);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** See proc(5): fields after the command, which stands in parentheses and may contain anything. */
function readStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const cpuTicks = Number(fields[11]) + Number(fields[12]);
  return {
    pid,
    parent: Number(fields[1]),
    cpuSeconds: cpuTicks / ticksPerSecond,
    rssBytes: Number(fields[21]) * pageBytes,
  };
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
