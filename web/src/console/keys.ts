import type RFB from '@novnc/novnc';
import type { Stroke } from './keyboard-layouts.ts';

/** Keys by their codes, with the keysyms of X11 (keysymdef.h) for guests that are not sent codes. */
const keysyms: Readonly<Record<string, number>> = {
  ControlLeft: 0xffe3,
  AltLeft: 0xffe9,
  ShiftLeft: 0xffe1,
  MetaLeft: 0xffeb,
  Delete: 0xffff,
  Backspace: 0xff08,
  Escape: 0xff1b,
  Tab: 0xff09,
  Enter: 0xff0d,
  Space: 0x20,
  PrintScreen: 0xff61,
  Backquote: 0xff2a,
  Convert: 0xff23,
  NonConvert: 0xff22,
  KanaMode: 0xff27,
  KeyV: 0x76,
  F1: 0xffbe,
  F2: 0xffbf,
  F3: 0xffc0,
  F4: 0xffc1,
  F7: 0xffc4,
};

/** Keys that browsers or the host's desktop keep for themselves, or that a keyboard may lack; what is written on them. */
export const combinations = [
  ['Ctrl+Alt+Del', ['ControlLeft', 'AltLeft', 'Delete']],
  ['Ctrl+Alt+Backspace', ['ControlLeft', 'AltLeft', 'Backspace']],
  ['Ctrl+Alt+F1', ['ControlLeft', 'AltLeft', 'F1']],
  ['Ctrl+Alt+F2', ['ControlLeft', 'AltLeft', 'F2']],
  ['Ctrl+Alt+F3', ['ControlLeft', 'AltLeft', 'F3']],
  ['Ctrl+Alt+F7', ['ControlLeft', 'AltLeft', 'F7']],
  ['Alt+Tab', ['AltLeft', 'Tab']],
  ['Alt+F4', ['AltLeft', 'F4']],
  ['Super', ['MetaLeft']],
  ['Print Screen', ['PrintScreen']],
  ['半角/全角', ['Backquote']],
  ['変換', ['Convert']],
  ['無変換', ['NonConvert']],
  ['カタカナ/ひらがな', ['KanaMode']],
] as const satisfies readonly (readonly [label: string, codes: readonly string[]])[];

/** Presses keys one after the other, and lets them go in the opposite order. */
export function press(rfb: RFB, codes: readonly string[]): void {
  for (const code of codes) rfb.sendKey(keysyms[code] ?? 0, code, true);
  for (const code of codes.toReversed()) rfb.sendKey(keysyms[code] ?? 0, code, false);
}

/** Milliseconds between two keys: the keyboard of a guest has little room, and what does not fit is lost. */
const paceMs = 12;

/** Types on the keyboard of the guest, until the signal. */
export async function type(rfb: RFB, strokes: readonly Stroke[], signal: AbortSignal): Promise<void> {
  for (const { code, shift } of strokes) {
    if (signal.aborted) return;
    press(rfb, shift ? ['ShiftLeft', code] : [code]);
    await new Promise((resolve) => setTimeout(resolve, paceMs));
  }
}
