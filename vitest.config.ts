import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { quickPlace } from './test/support/quick-place.ts';

// Where the host adds certificates to those of Node, each program of Node reads them first, which takes longer than the rest of its
// start. Tests start many, and none of them asks a server of others.
const noCertificates = { NODE_EXTRA_CA_CERTS: '' };

// Packages and modules of Node are as Node gives them. The runner would put a proxy before each, and so a call more before each
// use of a function of theirs.
const noProxy = { interopDefault: false };

// Rings 1 and 2 are units and contracts, ring 3 has real guests. Attacks are hostile input in large numbers. The projects run
// one after the other, each with several workers.
export default defineConfig({
  test: {
    // What a module was made into is kept for the next run, by its text.
    experimental: { fsModuleCache: true },
    sequence: { sequencer: LongestFirst },
    // Of rings 1 and 2 alone: scripts/test.ts switches it on for the unit project, and judges it.
    coverage: {
      provider: 'custom',
      customProviderModule: './test/support/coverage-once.ts',
      include: ['src/**/*.ts'],
      exclude: [
        '**/*.test.ts',
        '**/fixtures/**',
        '**/generated/**',
        // Composition roots. They run as processes and threads of their own, where nothing is measured.
        'src/bin/**',
      ],
      reporter: ['json-summary'],
      reportsDirectory: 'test-results/coverage',
      // A failed test does not make the figure unknown.
      reportOnFailure: true,
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'web/src/**/*.test.ts',
            'guest/**/*.test.ts',
            'scripts/**/*.test.ts',
            'test/*.test.ts',
            'test/contract/**/*.test.ts',
          ],
          // Files share what they import: most of the time would go into loading the same modules again. So no file may
          // leave a module's state changed, and what a support module does for each test is begun by a call in the file.
          isolate: false,
          deps: noProxy,
          env: { ...noCertificates, TMPDIR: quickPlace() },
          // The tests wait for other programs and for deadlines half of the time.
          maxWorkers: 3,
          testTimeout: 20_000,
          // What comes of itself is looked at often, and has time enough on a busy host.
          expect: { poll: { interval: 10, timeout: 10_000 } },
        },
      },
      {
        test: {
          name: 'attack',
          sequence: { groupOrder: 1 },
          include: ['test/attack/**/*.test.ts'],
          deps: noProxy,
          env: { TMPDIR: quickPlace() },
          // What an attack does to memory must be seen in its own process.
          isolate: true,
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'vm',
          sequence: { groupOrder: 2 },
          // Those with a browser too: they need what is built once for all.
          include: ['test/vm/**/*.test.ts', 'test/web/**/*.test.ts'],
          globalSetup: ['test/vm/global-setup.ts'],
          env: noCertificates,
          maxWorkers: 2,
          testTimeout: 120_000,
          expect: { poll: { timeout: 20_000 } },
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
