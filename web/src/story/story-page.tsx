import type { ReactElement, ReactNode } from 'react';
import { PageHead } from '../design/page-head/page-head.tsx';
import { useText } from '../text/text.ts';
import { Foundations } from './foundations.tsx';
import { Controls, Feedback } from './controls.tsx';
import { Parts } from './parts.tsx';
import styles from './story.module.css';

/** Every part of the design system, in all its states and in both themes beside each other. */
export function StoryPage(): ReactElement {
  const { say } = useText();
  return (
    <div className={styles.room}>
      <PageHead title={say('design.title')}>
        <p className="help">{say('design.help')}</p>
      </PageHead>
      <div className={styles.themes}>
        <Theme name="light">
          <Stories />
        </Theme>
        <Theme name="dark">
          <Stories />
        </Theme>
      </div>
    </div>
  );
}

function Stories(): ReactElement {
  return (
    <>
      <Foundations />
      <Controls />
      <Feedback />
      <Parts />
    </>
  );
}

function Theme({ name, children }: { name: 'light' | 'dark'; children: ReactNode }): ReactElement {
  const { say } = useText();
  return (
    <section className={styles.theme} data-mantine-color-scheme={name} aria-label={say(`design.${name}`)}>
      {children}
    </section>
  );
}
