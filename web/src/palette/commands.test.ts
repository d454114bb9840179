import { expect, it } from 'vitest';
import { found, maxShown, type Command } from './commands.ts';

const command = (id: string, label: string, about?: string): Command => ({
  id,
  label,
  ...(about === undefined ? {} : { about }),
  run: () => undefined,
});
const commands = [
  command('1', 'Start', 'web'),
  command('2', 'Console', 'web'),
  command('3', 'Console', 'database of web'),
  command('4', 'New machine'),
];
const ids = (query: string) => found(commands, query).map(({ id }) => id);

it('finds what has every word, in any order', () => {
  expect(ids('console web')).toEqual(['2', '3']);
  expect(ids('WEB st')).toEqual(['1']);
  expect(ids('nothing')).toEqual([]);
});

it('shows what begins with the query first', () => {
  expect(ids('database')).toEqual(['3']);
  expect(ids('web')).toEqual(['1', '2', '3']);
});

it('shows a few of many', () => {
  const many = Array.from({ length: 100 }, (_, n) => command(String(n), 'Console', `web-${n}`));
  expect(found(many, 'web')).toHaveLength(maxShown);
});
