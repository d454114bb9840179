import { FileButton, Button } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { Image } from '../../../src/api/generated/shapes.ts';
import { Busy, Outcome } from '../machine/outcome.tsx';
import { useText } from '../text/text.ts';
import styles from './new.module.css';
import { useUpload } from './use-upload.ts';

/** Where disk images and ISOs are dropped. They are sent to the daemon in small parts, however large they are. */
export function DropZone({ done }: { done: (image: Image) => void }): ReactElement {
  const { say } = useText();
  const upload = useUpload(done);
  const [isOver, setOver] = useState(false);
  const send = (file: File | null | undefined) => {
    if (file && !upload.doing) upload.send(file);
  };
  return (
    <div
      className={styles.drop}
      data-over={isOver}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        send(event.dataTransfer.files[0]);
      }}
    >
      {upload.doing ? (
        <Busy
          what={say('new.uploading')}
          name={say('new.drop')}
          progress={upload.doing.progress}
          cancel={upload.cancel}
        />
      ) : (
        <>
          <p>{say('new.drop')}</p>
          <FileButton onChange={send} accept=".iso,.qcow2,.img,.raw,.vmdk">
            {(button) => (
              <Button {...button} size="xs" variant="default">
                {say('new.choose')}
              </Button>
            )}
          </FileButton>
        </>
      )}
      <Outcome {...upload} />
    </div>
  );
}
