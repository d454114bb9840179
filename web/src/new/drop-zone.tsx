import { Button, FileButton } from '@mantine/core';
import { useState, type InputHTMLAttributes, type ReactElement } from 'react';
import type { Image } from '../../../src/api/generated/shapes.ts';
import { Busy, Outcome } from '../machine/outcome.tsx';
import { useText } from '../text/text.ts';
import { checkFiles } from './check-files.ts';
import { droppedFiles, imageIn, pickedFiles, type LocalFile } from './local-files.ts';
import styles from './new.module.css';
import { useUpload } from './use-upload.ts';

const accepted = '.iso,.qcow2,.img,.raw,.vmdk,.vhdx,.vdi,.ova,.ovf,.mf,.cert,.vmx';

/** Makes a browser ask for a folder. React has no type for it. */
const ofFolder = { webkitdirectory: '' } as InputHTMLAttributes<HTMLInputElement>;

interface DropProps {
  /** An image was sent. */
  readonly done: (image: Image) => void;
  /** Files that are a machine or an appliance. */
  readonly begin: (files: Promise<LocalFile[]>) => void;
  readonly isBusy: boolean;
}

/**
 * Where disk images, ISOs, appliances and machines are dropped. They are sent to the daemon in small parts, however large they are.
 */
export function DropZone({ done, begin, isBusy }: DropProps): ReactElement {
  const { say } = useText();
  const upload = useUpload(done);
  const [isOver, setOver] = useState(false);
  const take = (files: Promise<LocalFile[]>) => {
    if (upload.doing || isBusy) return;
    const checked = files.then(async (found) => await checkFiles(found).then(() => found));
    void checked.then(
      (found) => {
        const image = imageIn(found);
        if (image) upload.send(image);
        else if (found.length > 0) begin(checked);
      },
      () => begin(checked),
    );
  };
  const picked = (list: readonly File[]) => take((async () => await Promise.resolve(pickedFiles(list)))());
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
        take(droppedFiles(event.dataTransfer));
      }}
    >
      {upload.doing ? (
        <Busy
          what={say('new.uploading')}
          name={say('new.drop')}
          progress={upload.doing.progress}
          rate={upload.doing.rate}
          cancel={upload.cancel}
        />
      ) : (
        <>
          <p>{say('new.drop')}</p>
          <div className={styles.choose}>
            <FileButton multiple onChange={picked} accept={accepted}>
              {(button) => (
                <Button {...button} size="xs" variant="default" disabled={isBusy}>
                  {say('new.choose')}
                </Button>
              )}
            </FileButton>
            <FileButton multiple onChange={picked} inputProps={ofFolder}>
              {(button) => (
                <Button {...button} size="xs" variant="default" disabled={isBusy}>
                  {say('new.folder')}
                </Button>
              )}
            </FileButton>
          </div>
        </>
      )}
      <Outcome {...upload} />
    </div>
  );
}
