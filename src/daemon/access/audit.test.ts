import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { AuditLog } from './audit.ts';

const temporary = useTemporaryDirectory();
const facts = { user: 'ada', from: '10.0.0.1', operation: 'machines.start', machine: 'demo', result: 'ok' };

it('keeps who did what, in a file that nobody else can read', async () => {
  const path = join(temporary(), 'audit.jsonl');
  const log = new AuditLog(path, () => undefined);
  log.record(facts);
  log.record({ ...facts, user: null, machine: 'a\n{"at":"forged"}', result: 'BUSY' });
  await log.written();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(2);
  const again = new AuditLog(path, () => undefined);
  expect(await again.read(10)).toEqual([
    { at: expect.any(String), ...facts },
    expect.objectContaining({ user: null, machine: 'a\n{"at":"forged"}', result: 'BUSY' }),
  ]);
  expect(await again.read(1)).toHaveLength(1);
});

it('puts a file aside that has become large, and removes the oldest', async () => {
  const directory = temporary();
  const log = new AuditLog(join(directory, 'audit.jsonl'), () => undefined, 1000);
  for (let count = 0; count < 100; count += 1) {
    log.record({ ...facts, machine: `m${count}` });
    await log.written();
  }
  const files = readdirSync(directory).sort();
  expect(files.filter((name) => name !== 'audit.jsonl')).toEqual(
    [1, 2, 3, 4].map((age) => `audit.${age}.jsonl`),
  );
  for (const name of files) expect(statSync(join(directory, name)).size).toBeLessThan(1400);
  const machines = (await log.read(20)).map(({ machine }) => machine);
  expect(machines).toEqual(Array.from({ length: 20 }, (_each, index) => `m${80 + index}`));
});

it('leaves out what a kill has cut off, and writes through no link', async () => {
  const directory = temporary();
  const path = join(directory, 'audit.jsonl');
  writeFileSync(path, '{"at":"2026', { mode: 0o600 });
  expect(await new AuditLog(path, () => undefined).read(10)).toEqual([]);
  const elsewhere = join(directory, 'elsewhere');
  writeFileSync(elsewhere, 'mine');
  symlinkSync(elsewhere, join(directory, 'link.jsonl'));
  const problems: unknown[] = [];
  const log = new AuditLog(join(directory, 'link.jsonl'), (error) => problems.push(error));
  log.record(facts);
  await log.written();
  expect(problems).toHaveLength(2);
  expect(readFileSync(elsewhere, 'utf8')).toBe('mine');
});
