import { readFileSync } from 'node:fs';
import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { beforeAll, describe, expect, it } from 'vitest';
import { verbs, findVerb } from '../src/cli/kame/verbs.ts';
import type { Session } from '../src/cli/session.ts';
import { sources } from './support/source-imports.ts';

/** A command in a text: its verb, the rest of it up to the end of the clause. */
const mention = /(?<![\w./-])kame ([a-z]+)((?: (?:--)?[^\s`'".;,:()\\]+)*)/g;

const commands = new Map<string, CommandUnknownOpts>();

beforeAll(async () => {
  for (const verb of verbs) {
    const program = new Command('kame');
    // Only the actions of a verb use the session.
    (await verb.load()).define(program, {} as Session);
    const [command] = program.commands;
    if (command) commands.set(verb.name, command);
  }
});

/** What is wrong with a command that a text names. */
function faultOf(verb: string, rest: string): string | undefined {
  let command = commands.get(findVerb(verb)?.name ?? '');
  if (!command) return `kame ${verb} is no command`;
  const words = rest.trim().split(' ');
  for (const word of words) {
    if (command.commands.length === 0 || !/^[a-z]+$/.test(word)) break;
    const sub: CommandUnknownOpts | undefined = command.commands.find(
      (each) => each.name() === word || each.aliases().includes(word),
    );
    // A verb with commands can also take a machine itself, as `kame tools NAME` does.
    if (!sub && command.registeredArguments.length > 0) break;
    if (!sub) return `kame ${verb} ${word} is no command`;
    command = sub;
  }
  const known = new Set(['--help', ...command.options.map(({ long }) => long)]);
  const own = words.slice(0, words.includes('--') ? words.indexOf('--') : undefined);
  const odd = own.find((word) => /^--[a-z]/.test(word) && !known.has(word.split('=')[0] ?? ''));
  return odd === undefined ? undefined : `kame ${verb} has no option ${odd}`;
}

/** The lines of a source that are not comments. */
function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line));
}

describe('advice', () => {
  it('names real commands, with options that they have', () => {
    const faults = sources('src')
      // The programs of shells have words of their own.
      .filter((path) => !/\.test\.ts$|\/generated\/|\/completion\.ts$/.test(path))
      .flatMap((path) =>
        linesOf(path).flatMap((line) =>
          [...line.matchAll(mention)].flatMap(([, verb = '', rest = '']) => {
            const fault = faultOf(verb, rest);
            return fault === undefined ? [] : [`${path}: ${fault}: ${line.trim()}`];
          }),
        ),
      );
    expect(faults).toEqual([]);
  });

  it.each([
    ['kame strat demo', 'kame strat is no command'],
    ['kame disk shrink demo', 'kame disk shrink is no command'],
    ['kame stop demo --force', 'kame stop has no option --force'],
    ['kame disk add demo 20GiB', undefined],
    ['kame exec demo -- ls --all', undefined],
  ])('%s: %s', (text, fault) => {
    const [, verb = '', rest = ''] = [...text.matchAll(mention)][0] ?? [];
    expect(faultOf(verb, rest)).toBe(fault);
  });
});
