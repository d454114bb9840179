import { describe, expect, it } from 'vitest';
import { checkMatch, holds, parseIf } from './conditions.ts';

const bad = expect.objectContaining({ status: 400 }) as Error;
const met = async (header: string, tag?: string, ...tokens: string[]) =>
  await holds(parseIf(header), async () => await Promise.resolve({ tag, tokens: new Set(tokens) }));

describe('If', () => {
  it('holds if all of one list does', async () => {
    expect(await met('(<a:1>)', undefined, 'a:1')).toBe(true);
    expect(await met('(<a:1>)', undefined, 'a:2')).toBe(false);
    expect(await met('(<a:2>) (<a:1> ["x"])', '"x"', 'a:1')).toBe(true);
    expect(await met('(<a:1> ["y"])', '"x"', 'a:1')).toBe(false);
    expect(await met('(Not <DAV:no-lock>)')).toBe(true);
    expect(await met('(not ["x"])', '"x"')).toBe(false);
  });

  it('asks for the address that it names', async () => {
    const asked: (string | undefined)[] = [];
    const header = parseIf('<http://h/a> (<t:1>) </b> (<t:2>)(["z"])');
    await holds(header, async (address) => {
      asked.push(address);
      return await Promise.resolve({ tag: undefined, tokens: new Set() });
    });
    expect(asked).toEqual(['http://h/a', '/b', '/b']);
    expect([...header.tokens]).toEqual(['t:1', 't:2']);
  });

  it.each(['', '()', '(', '<a>', '(<a>', '(Not)', '(Not Not <a>)', 'x', '(x)', ')', '(<a:1>)'.repeat(100)])(
    'is refused: %.30s',
    (header) => {
      expect(() => parseIf(header)).toThrow(bad);
    },
  );

  it('is not given', async () => {
    expect(await holds(parseIf(undefined), async () => await Promise.reject(new Error('not asked')))).toBe(
      true,
    );
  });
});

describe('If-Match and If-None-Match', () => {
  const status = (
    match: string | undefined,
    none: string | undefined,
    tag: string | undefined,
    reads = false,
  ) => {
    try {
      checkMatch({ 'if-match': match, 'if-none-match': none }, tag, reads);
      return 200;
    } catch (error) {
      return (error as { status: number }).status;
    }
  };

  it('compare the tag of what is there', () => {
    expect(status('"a", "b"', undefined, '"b"')).toBe(200);
    expect(status('"a"', undefined, '"b"')).toBe(412);
    expect(status('*', undefined, undefined)).toBe(412);
    expect(status(undefined, '*', undefined)).toBe(200);
    expect(status(undefined, '*', '"a"')).toBe(412);
    expect(status(undefined, '"a"', '"a"', true)).toBe(304);
  });
});
