import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command, Run } from './command.ts';
import { commands } from './commands.ts';
import { parse } from './parse.ts';
import { VmrunError } from './vmrun-error.ts';

const anyCommand = fc.constantFrom(...commands);
const flag = fc.constantFrom('-T', '-t', '-h', '-P', '-p', '-u', '-vp', '-VP');
/** A word in other letters of upper and lower case. */
const anyCase = (word: string) =>
  fc
    .array(fc.boolean(), { minLength: word.length, maxLength: word.length })
    .map((upper) =>
      [...word].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter.toLowerCase())).join(''),
    );

/** A command line of a command with everything that it needs, and what it consists of. */
const wholeLine = anyCommand.chain((command) =>
  fc
    .record({
      flags: fc.array(fc.tuple(flag, fc.string())),
      name: anyCase(command.name),
      leading: fc.subarray([...(command.leading ?? [])]),
      args: fc.array(fc.string({ minLength: 1 }), {
        minLength: command.args?.length ?? 0,
        maxLength: command.args?.length ?? 0,
      }),
      junk: fc.array(fc.string()),
    })
    // A program that is called like a switch could not be told from it.
    .filter(({ args }) => !command.leading?.some((word) => word.toLowerCase() === args[0]?.toLowerCase()))
    .map((parts) => ({ command, ...parts })),
);

/** The command line, and the arguments that are passed on. */
function lineOf({
  command,
  flags,
  name,
  leading,
  args,
  junk,
}: typeof wholeLine extends fc.Arbitrary<infer T> ? T : never) {
  const vmx = command.machine ? ['/m.vmx'] : [];
  return [...flags.flat(), name, ...vmx, ...leading, ...args, ...junk];
}

describe('parse', () => {
  it('reads every command in any case, with any flags before it and anything after it', () => {
    fc.assert(
      fc.property(wholeLine, (parts) => {
        const { command, leading, args, junk } = parts;
        const read = parse(lineOf(parts), commands);
        expect(read?.command).toBe(command);
        expect(read?.vmx).toBe(command.machine ? '/m.vmx' : undefined);
        expect(read?.args).toEqual(command.rest === undefined ? args : [...args, ...junk]);
        for (const word of leading) expect(read?.words.has(word.toLowerCase())).toBe(true);
        expect(read?.login).toBeUndefined();
      }),
    );
  });

  it('reads or refuses any command line, and says nothing but words of the command', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        ...commands.map(({ name }) => name),
        '-gu',
        '-gp',
        '-T',
        '-noWait',
        'hard nogui',
        '-snapshot=',
      ),
    );
    const saysOnlyItsWords = (argv: string[]) => {
      try {
        const read = parse(argv, commands);
        const allowed = [...(read?.command.leading ?? []), ...(read?.command.words ?? []).flat()];
        const known = new Set(allowed.map((each) => each.toLowerCase()));
        return [...(read?.words ?? [])].every((found) => known.has(found));
      } catch (error) {
        return error instanceof VmrunError;
      }
    };
    const run = () => fc.assert(fc.property(fc.array(word), saysOnlyItsWords), { numRuns: 1000 });
    expect(run).not.toThrow();
  });

  it('reads who acts in the guest', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (user, password) => {
        const read = parse(['-GU', user, '-gp', password, 'listProcessesInGuest', '/m.vmx'], commands);
        expect(read?.login).toEqual({ user, password });
      }),
    );
    expect(parse(['-gu', 'a', 'list'], commands)?.login).toEqual({ user: 'a', password: '' });
  });

  it('reads options with = and without, and keeps the rest of a value', () => {
    const read = (...more: string[]) =>
      parse(['clone', 's.vmx', 'd.vmx', 'full', ...more], commands)?.options;
    expect(read('-SNAPSHOT=a=b', '-clonename', 'c')).toEqual(
      new Map([
        ['-snapshot', 'a=b'],
        ['-clonename', 'c'],
      ]),
    );
    expect(read('-snapshot')).toEqual(new Map());
    expect(read('junk', '-other=1')).toEqual(new Map());
  });

  it('is undefined without a command', () => {
    for (const argv of [[], ['-T', 'ws'], ['-T']]) expect(parse(argv, commands)).toBeUndefined();
  });

  it('tells which arguments are missing', () => {
    const load = async (): Promise<Run> => await Promise.reject(new Error('not loaded'));
    const two: Command = {
      name: 'x',
      summary: '',
      machine: true,
      args: ['A', 'B', 'C'],
      optionalArgs: 1,
      load,
    };
    expect(parse(['x', 'm', '1', '2'], [two])?.args).toEqual(['1', '2']);
    expect(() => parse(['x', 'm', '1'], [two])).toThrow(
      expect.objectContaining({ message: 'Insufficient parameters', next: 'x needs: A, B.' }),
    );
  });

  it('has a command for each name, which loads what it does', async () => {
    expect(new Set(commands.map(({ name }) => name.toLowerCase())).size).toBe(commands.length);
    for (const command of commands) expect(typeof (await command.load())).toBe('function');
  });
});
