import type { Commands } from './qmp/generated/protocol.ts';

/** A key of QEMU, by its name. */
type SendKey = Commands['send-key']['arguments'];
type Key = Extract<SendKey['keys'][number], { type: 'qcode' }>['data'];

/** Keys of a US keyboard, in pairs of what they type alone and with Shift. */
const pairs: readonly (readonly [alone: string, shifted: string, key: Key])[] = [
  ['-', '_', 'minus'],
  ['=', '+', 'equal'],
  ['[', '{', 'bracket_left'],
  [']', '}', 'bracket_right'],
  [';', ':', 'semicolon'],
  ["'", '"', 'apostrophe'],
  ['`', '~', 'grave_accent'],
  ['\\', '|', 'backslash'],
  [',', '<', 'comma'],
  ['.', '>', 'dot'],
  ['/', '?', 'slash'],
  ['1', '!', '1'],
  ['2', '@', '2'],
  ['3', '#', '3'],
  ['4', '$', '4'],
  ['5', '%', '5'],
  ['6', '^', '6'],
  ['7', '&', '7'],
  ['8', '*', '8'],
  ['9', '(', '9'],
  ['0', ')', '0'],
];
const others: readonly (readonly [string, Key])[] = [
  [' ', 'spc'],
  ['\n', 'ret'],
  ['\r', 'ret'],
  ['\t', 'tab'],
  ['\b', 'backspace'],
  ['\u001b', 'esc'],
];

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** The keys that type each character of a US keyboard. */
const keysByCharacter: ReadonlyMap<string, readonly Key[]> = new Map<string, readonly Key[]>([
  ...pairs.flatMap(([alone, shifted, key]) => [
    [alone, [key]] as const,
    [shifted, ['shift', key] as const] as const,
  ]),
  ...[...letters].flatMap((letter) => [
    [letter, [letter as Key]] as const,
    [letter.toUpperCase(), ['shift', letter as Key] as const] as const,
  ]),
  ...others.map(([character, key]) => [character, [key]] as const),
]);

/** The keys that type a character on a US keyboard, all pressed together; undefined if it has none. */
export function keysOf(character: string): readonly Key[] | undefined {
  return keysByCharacter.get(character);
}
