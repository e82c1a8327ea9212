/** Test suites: `unit` (pure), `pipeline` (stages together, in memory), `clickhouse` (the real engine), `smoke` (the real process), `truth` (the real process against ground truth), `collector` (behind a real Collector; needs Go, not part of `npm test`). */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{schema,receiver,processor,exporter,service,bench}/**/*.test.ts', 'test/*.test.ts'],
        },
      },
      { test: { name: 'pipeline', include: ['test/pipeline/**/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          name: 'clickhouse',
          include: ['test/clickhouse/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'smoke',
          include: ['test/smoke/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'truth',
          include: ['test/truth/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'collector',
          include: ['test/collector/**/*.test.ts'],
          testTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
