/** Repeatable samples of the shapes that durations take. */

/** Uniform numbers in [0, 1), the same for the same seed (Weyl sequence through a 32-bit mix). */
export function randomSource(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/** Samples of the shapes that durations take, in milliseconds. */
export function sampleShapes(size: number, seed: number): Record<string, Float64Array> {
  const random = randomSource(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const draw = (next: () => number) => Float64Array.from({ length: size }, next);
  return {
    uniform: draw(() => random() * 1000),
    logNormal: draw(() => Math.exp(6 + 1.2 * normal())),
    bimodal: draw(() => (random() < 0.8 ? Math.abs(50 + 5 * normal()) : 5000 + 300 * normal())),
    constant: new Float64Array(size).fill(1234.5),
    sorted: draw(() => random() * 1000).toSorted(),
    reversed: draw(() => random() * 1000)
      .toSorted()
      .toReversed(),
    fewValues: draw(() => Math.floor(random() * 7) * 10),
  };
}
