import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import type { ReactElement } from 'react';
import { useText } from '../../text/text.ts';
import styles from './command-line.module.css';
import { Icon } from '../icon/icon.tsx';

/** A command for a terminal, which can be copied. */
export function CommandLine({ text }: { text: string }): ReactElement {
  const { say } = useText();
  return (
    <div className={styles.line}>
      <code className="mono">{text}</code>
      <CopyButton value={text}>
        {({ copied, copy }) => {
          const label = say(copied ? 'do.copied' : 'do.copy');
          return (
            <Tooltip label={label}>
              <ActionIcon size="sm" variant="subtle" color="gray" aria-label={label} onClick={copy}>
                <Icon name="copy" size={14} />
              </ActionIcon>
            </Tooltip>
          );
        }}
      </CopyButton>
    </div>
  );
}
