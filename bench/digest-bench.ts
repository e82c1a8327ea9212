/**
 * CPU nanoseconds per value (median of five): adding to a growing digest, and digesting a whole set.
 * Run: node bench/digest-bench.ts [values, default 5000000]
 */
import process from 'node:process';
import { DigestBuilder } from '../processor/digest/digest-builder.ts';
import { digestOf } from '../processor/digest/digest.ts';

const count = Number(process.argv[2] ?? 5_000_000);
const repeats = 5;

function logNormalValues(size: number): Float64Array {
  const values = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    values[i] = Math.exp(6 + 1.2 * normal);
  }
  return values;
}

function medianNsPerValue(work: () => number): { ns: number; centroids: number } {
  const times: number[] = [];
  let centroids = 0;
  for (let i = 0; i < repeats; i++) {
    const before = process.cpuUsage();
    centroids = work();
    const { user, system } = process.cpuUsage(before);
    times.push(((user + system) * 1000) / count);
  }
  return { ns: times.toSorted((a, b) => a - b)[repeats >> 1]!, centroids };
}

const values = logNormalValues(count);
const adding = medianNsPerValue(() => {
  const builder = new DigestBuilder();
  for (let i = 0; i < count; i++) builder.add(values[i]!);
  return builder.digest().means.length;
});
const whole = medianNsPerValue(() => digestOf(values).means.length);
console.log(
  `DigestBuilder.add  ${adding.ns.toFixed(1)} ns/value  (${adding.centroids} centroids, ${count} log-normal values)`,
);
console.log(`digestOf           ${whole.ns.toFixed(1)} ns/value  (${whole.centroids} centroids, sorting included)`);
