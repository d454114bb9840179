import { NativeSelect, TextInput } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { Row } from '../design/row/row.tsx';
import { useText } from '../text/text.ts';

/** The kinds of clone that a machine need not run for. */
export const coldKinds = ['linked', 'full'] as const;
export type ColdKind = (typeof coldKinds)[number];

interface CloneNameProps {
  readonly name: string;
  readonly change: (name: string) => void;
  /** What else is asked about the clone, beside its name. */
  readonly children: ReactNode;
}

/** The name of a clone that is to be made. */
export function CloneName({ name, change, children }: CloneNameProps): ReactElement {
  const { say } = useText();
  return (
    <Row>
      <TextInput
        size="xs"
        label={say('clone.name')}
        value={name}
        maxLength={80}
        data-autofocus
        onChange={(event) => change(event.currentTarget.value)}
      />
      {children}
    </Row>
  );
}

/** Whether a clone has its own copy of the disks. */
export function KindSelect({
  kind,
  change,
}: {
  kind: ColdKind;
  change: (kind: ColdKind) => void;
}): ReactElement {
  const { say } = useText();
  return (
    <NativeSelect
      size="xs"
      label={say('clone.kind')}
      value={kind}
      data={coldKinds.map((value) => ({ value, label: say(`clone.${value}`) }))}
      onChange={(event) => change(event.currentTarget.value === 'full' ? 'full' : 'linked')}
    />
  );
}
