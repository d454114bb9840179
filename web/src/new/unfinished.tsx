import { ActionIcon } from '@mantine/core';
import type { ReactElement } from 'react';
import { formatSize } from '../../../src/core/units.ts';
import { client } from '../data/client.ts';
import { refreshUploads, useUploads } from '../data/uploads.ts';
import { Icon } from '../design/icon/icon.tsx';
import { useText } from '../text/text.ts';
import styles from './new.module.css';

/** Uploads that broke off, which go on with the same files or are discarded. */
export function Unfinished(): ReactElement | null {
  const { say } = useText();
  const uploads = useUploads();
  if (uploads.length === 0) return null;
  const discard = async (id: string) => {
    // One that is in use stays, and so does its line.
    await client.uploads.delete(id).catch(() => undefined);
    await refreshUploads();
  };
  return (
    <section aria-label={say('import.unfinished')}>
      <p className={styles.title}>{say('import.unfinished')}</p>
      <ul className={styles.unfinished}>
        {uploads.map(({ id, main, bytes, sizeBytes }) => (
          <li key={id}>
            <div>
              <p>{main}</p>
              <p className="help">
                {say('import.resume', { done: formatSize(bytes), total: formatSize(sizeBytes) })}
              </p>
            </div>
            <ActionIcon
              size="sm"
              variant="subtle"
              color="gray"
              aria-label={say('import.discard', { name: main })}
              onClick={() => void discard(id)}
            >
              <Icon name="close" size={14} />
            </ActionIcon>
          </li>
        ))}
      </ul>
    </section>
  );
}
