import { describe, expect, it } from 'vitest';
import { shellQuote, withQuotedName } from './shell-word.ts';

describe('the name in an advice', () => {
  it('is quoted where it is an argument of a command, and nowhere else', () => {
    const advice =
      'my vm is paused: kame unpause my vm resumes it; `kame snapshot list my vm` lists its snapshots.';
    expect(withQuotedName(advice, 'my vm')).toBe(
      "my vm is paused: kame unpause 'my vm' resumes it; `kame snapshot list 'my vm'` lists its snapshots.",
    );
  });

  it('stays if it needs no quotes', () => {
    expect(withQuotedName('kame start web starts it.', 'web')).toBe('kame start web starts it.');
    expect(withQuotedName('kame start web', '')).toBe('kame start web');
  });
});

describe('a word for a shell', () => {
  it.each([
    ['web-1.2', 'web-1.2'],
    ["it's", `'it'\\''s'`],
    ['', "''"],
    ['亀 $x', "'亀 $x'"],
  ])('%j is %s', (word, quoted) => {
    expect(shellQuote(word)).toBe(quoted);
  });
});
