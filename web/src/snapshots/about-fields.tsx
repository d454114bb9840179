import { Textarea, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { useText } from '../text/text.ts';

/** What a person writes about a snapshot. */
export interface About {
  readonly label: string;
  readonly description: string;
}

interface AboutFieldsProps {
  readonly about: About;
  readonly change: (to: About) => void;
  /** What the field for the label shows while it is empty, if it may be. */
  readonly placeholder?: string;
}

/** The fields for the label and the description of a snapshot. */
export function AboutFields({ about, change, placeholder }: AboutFieldsProps): ReactElement {
  const { say } = useText();
  return (
    <>
      <TextInput
        size="xs"
        label={say('ask.snapshot.label')}
        {...(placeholder === undefined ? {} : { placeholder })}
        value={about.label}
        maxLength={255}
        onChange={(event) => change({ ...about, label: event.currentTarget.value })}
      />
      <Textarea
        size="xs"
        label={say('snapshots.description')}
        value={about.description}
        maxLength={4000}
        rows={2}
        onChange={(event) => change({ ...about, description: event.currentTarget.value })}
      />
    </>
  );
}
