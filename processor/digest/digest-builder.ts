/**
 * A digest that grows value by value: values wait unsorted in a buffer, and a full buffer is sorted and merged in.
 * The result depends (slightly) on the order of arrival; use `digestOf` where it must be a function of the set.
 * Single owner: add and read from one place.
 */
import { type Centroids, compressCentroids } from './compress-centroids.ts';
import { type Digest, isDigestible } from './digest.ts';
import { FloatSorter } from './sort-floats.ts';

/** Measured: 4,096 keeps the share of merging below that of sorting, and the buffer (16 KiB) in the first-level cache. */
const bufferSize = 4096;

export class DigestBuilder {
  readonly #buffer = new Float32Array(bufferSize);
  readonly #sorter = new FloatSorter(bufferSize);
  #buffered = 0;
  #refused = 0;
  #count = 0;
  #centroids: Centroids = emptyCentroids(0);
  #spare: Centroids = emptyCentroids(0);

  /** Takes a value, or refuses and counts one that a digest must not hold. */
  add(value: number): boolean {
    if (!isDigestible(value)) {
      this.#refused++;
      return false;
    }
    if (this.#buffered === bufferSize) this.#flush();
    this.#buffer[this.#buffered++] = value;
    return true;
  }

  /** The digest of everything added so far. */
  digest(): Digest {
    this.#flush();
    const { means, weights, size } = this.#centroids;
    return {
      means: Float32Array.from(means.subarray(0, size)),
      weights: Float32Array.from(weights.subarray(0, size)),
      count: this.#count,
      refused: this.#refused,
    };
  }

  #flush(): void {
    if (this.#buffered === 0) return;
    const sorted = this.#sorter.sort(this.#buffer, this.#buffered);
    const from = this.#centroids;
    const into = withRoom(this.#spare, from.size + sorted.length);
    mergeSorted(from, sorted, into);
    this.#count = compressCentroids(into);
    this.#centroids = into;
    this.#spare = from;
    this.#buffered = 0;
  }
}

function mergeSorted(from: Centroids, values: Float32Array, into: Centroids): void {
  const { means, weights } = into;
  let out = 0;
  let next = 0;
  for (let i = 0; i < from.size; i++) {
    const mean = from.means[i]!;
    while (next < values.length && values[next]! < mean) {
      means[out] = values[next++]!;
      weights[out++] = 1;
    }
    means[out] = mean;
    weights[out++] = from.weights[i]!;
  }
  while (next < values.length) {
    means[out] = values[next++]!;
    weights[out++] = 1;
  }
  into.size = out;
}

function withRoom(centroids: Centroids, size: number): Centroids {
  return centroids.means.length >= size ? centroids : emptyCentroids(size);
}

function emptyCentroids(room: number): Centroids {
  return { means: new Float64Array(room), weights: new Float64Array(room), size: 0 };
}
