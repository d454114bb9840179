import { describe, expect, it } from 'vitest';
import { lossyLog } from './lossy-log.ts';

describe('lossyLog', () => {
  it('drops lines that cannot be written, reports them once it can write again, and never throws', () => {
    let full = false;
    const written: string[] = [];
    const log = lossyLog(7, ((descriptor: number, text: string) => {
      if (full) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      written.push(`${descriptor} ${text}`);
      return text.length;
    }) as Parameters<typeof lossyLog>[1]);
    log.write('one\n');
    full = true;
    log.write('two\n');
    log.write('three\n');
    full = false;
    log.write('four\n');
    log.write('five\n');
    expect(written.map((text) => text.replace(/"time":\d+/, '"time":0'))).toEqual([
      '7 one\n',
      '7 {"level":40,"time":0,"msg":"2 lines of this log were lost"}\nfour\n',
      '7 five\n',
    ]);
  });
});
