import { NativeSelect, TextInput } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { Row } from '../design/row/row.tsx';
import { useText } from '../text/text.ts';
import type { CloneKind } from './action.ts';

/** The kinds of clone that a machine can have in its state. */
export function cloneKinds(state: Machine['state']): readonly CloneKind[] {
  if (state === 'running') return ['instant'];
  return state === 'stopped' || state === 'suspended' ? ['linked', 'full'] : [];
}

interface CloneNameProps {
  readonly name: string;
  readonly change: (name: string) => void;
  /** What else is asked about the clone, beside its name. */
  readonly children?: ReactNode;
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

interface KindSelectProps {
  readonly kind: CloneKind;
  readonly kinds: readonly CloneKind[];
  readonly change: (kind: CloneKind) => void;
}

/** Which kind of clone it is. */
export function KindSelect({ kind, kinds, change }: KindSelectProps): ReactElement {
  const { say } = useText();
  return (
    <NativeSelect
      size="xs"
      label={say('clone.kind')}
      value={kind}
      data={kinds.map((value) => ({ value, label: say(`clone.${value}`) }))}
      onChange={(event) => {
        const chosen = kinds.find((each) => each === event.currentTarget.value);
        if (chosen) change(chosen);
      }}
    />
  );
}
