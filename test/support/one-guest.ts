import { afterAll, beforeAll } from 'vitest';
import { Guest } from './checkpoints.ts';
import { useHome, type TestHome } from './home.ts';

// One small guest for all tests of a file.

export let home: TestHome;
export let demo: Guest;

beforeAll(async () => {
  home = await useHome();
  demo = new Guest(home, 'demo');
  await home.json('create', 'demo', '--memory', '192MiB', '--cpus', '1');
  await demo.start();
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});
