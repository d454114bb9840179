import { describe, expect, it } from 'vitest';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { keysOf } from '../../qemu/keyboard.ts';
import { typeText } from './type.ts';

const world = useWorld();
const type = async (text: string) => await typeText(world().host, 'demo', text, quiet.signal);

describe('typing on the keyboard of a guest', () => {
  it('presses the keys of a US keyboard, one after the other', async () => {
    world().machine();
    await world().start();
    expect(await type('aB|\n')).toEqual({ ok: true });
    expect(world().engines.of('demo').keysPressed).toEqual([
      ['a'],
      ['shift', 'b'],
      ['shift', 'backslash'],
      ['ret'],
    ]);
  });

  it('types nothing of a text that has other characters', async () => {
    world().machine();
    await world().start();
    expect(await refused(type('aé'))).toMatchObject({ code: 'INVALID_VALUE', message: like(/é/u) });
  });

  it('knows every character of ASCII', () => {
    const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at));
    const keys = printable.map((character) => keysOf(character));
    expect(keys).not.toContain(undefined);
    expect(new Set(keys.map((each) => each?.join('+'))).size).toBe(95);
  });
});
