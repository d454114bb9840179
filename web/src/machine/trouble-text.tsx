import type { ReactElement } from 'react';
import { useErrorTexts } from '../text/error-texts.ts';
import { sentencesOf } from './sentences.ts';
import type { Trouble } from './trouble.ts';

/** What went wrong and what to do. In other languages than English, the words of the daemon stand below as they are. */
export function TroubleText({ trouble }: { trouble: Trouble }): ReactElement {
  const { code } = trouble;
  const texts = useErrorTexts();
  return (
    <>
      {sentencesOf(trouble, code && texts?.[code]).map(({ text, isOriginal }) => (
        <p key={text} {...(isOriginal ? { lang: 'en' } : {})}>
          {text}
        </p>
      ))}
    </>
  );
}
