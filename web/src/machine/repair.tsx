import type { ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { shellQuote } from '../../../src/core/shell-word.ts';
import { CommandLine } from '../design/command-line/command-line.tsx';
import { Note } from '../design/note/note.tsx';
import { useText } from '../text/text.ts';

/** What is wrong with a machine, and its repair. */
export function Repair({ machine: { name, path, reason } }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const isListed = name !== path;
  return (
    <Note kind="error">
      <p>{reason}</p>
      {isListed && (
        <>
          <p>{say('repair.text')}</p>
          <CommandLine text={`kame show ${shellQuote(name)}`} />
        </>
      )}
    </Note>
  );
}
