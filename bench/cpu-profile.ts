/**
 * Where the time went: self time of a V8 CPU profile, by function and by file.
 * Owns the reading of .cpuprofile files (the format of the Chrome DevTools protocol, Profiler.Profile).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly name: string;
  readonly seconds: number;
  /** Of the time in which the process did anything at all. */
  readonly share: number;
}

export interface ProfileSummary {
  readonly busySeconds: number;
  readonly byFunction: readonly SelfTime[];
  readonly byFile: readonly SelfTime[];
}

/** Sums the profiles in a directory; idle time is left out. */
export function profileSummary(directory: string): ProfileSummary {
  const byFunction = new Map<string, number>();
  const byFile = new Map<string, number>();
  let busyUs = 0;
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile: Profile = JSON.parse(readFileSync(join(directory, file), 'utf8'));
    const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
    profile.samples.forEach((id, i) => {
      const frame = frames.get(id)!;
      if (frame.functionName === '(idle)') return;
      const us = profile.timeDeltas[i]!;
      const place = placeOf(frame.url);
      busyUs += us;
      const name = `${frame.functionName || '(anonymous)'} ${place}${place === '' ? '' : `:${frame.lineNumber + 1}`}`;
      byFunction.set(name, (byFunction.get(name) ?? 0) + us);
      byFile.set(place || frame.functionName, (byFile.get(place || frame.functionName) ?? 0) + us);
    });
  }
  return { busySeconds: busyUs / 1e6, byFunction: ranked(byFunction, busyUs), byFile: ranked(byFile, busyUs) };
}

function ranked(times: ReadonlyMap<string, number>, busyUs: number): SelfTime[] {
  return [...times]
    .map(([name, us]) => ({ name: name.trim(), seconds: us / 1e6, share: us / busyUs }))
    .toSorted((a, b) => b.seconds - a.seconds);
}

/** A path below the repository, `node:…` as it stands, packages from their name on. */
function placeOf(url: string): string {
  if (!url.startsWith('file://')) return url;
  const path = fileURLToPath(url);
  const inPackages = path.lastIndexOf('node_modules/');
  return inPackages < 0 ? relative(process.cwd(), path) : path.slice(inPackages + 'node_modules/'.length);
}

export function profileText(summary: ProfileSummary, lines: number): string {
  const list = (times: readonly SelfTime[]) =>
    times
      .slice(0, lines)
      .map(
        ({ name, seconds, share }) =>
          `  ${(share * 100).toFixed(1).padStart(5)} %  ${seconds.toFixed(2).padStart(6)} s  ${name}`,
      )
      .join('\n');
  return `busy ${summary.busySeconds.toFixed(1)} s\nself time by file\n${list(summary.byFile)}\nself time by function\n${list(summary.byFunction)}\n`;
}
