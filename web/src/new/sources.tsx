import { NativeSelect, Select, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { Image } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { Choice } from '../design/choice/choice.tsx';
import { SystemMark } from '../design/system-mark/system-mark.tsx';
import { systemOf } from '../machine/system.ts';
import { useText } from '../text/text.ts';
import styles from './new.module.css';
import { DropZone } from './drop-zone.tsx';
import { installable, type Source } from './plan.ts';
import { Unfinished } from './unfinished.tsx';
import type { Import } from './use-import.ts';

interface SourcesProps {
  readonly images: readonly Image[];
  readonly source: Source | undefined;
  readonly choose: (source: Source) => void;
  /** What is imported from files of the browser's computer. */
  readonly incoming: Import;
}

function isChosen(source: Source | undefined, { id, arch, path }: Image): boolean {
  if (source?.kind === 'iso') return source.path === path;
  return source?.kind === 'image' && source.image.id === id && source.image.arch === arch;
}

/** What a machine can begin with: an image, or an ISO to install from. */
export function Sources({ images, source, choose, incoming }: SourcesProps): ReactElement {
  const { say } = useText();
  const archs = [...new Set(images.map(({ arch }) => arch).filter((each) => each !== ''))];
  const [arch, setArch] = useState<string>();
  // What a person has added is of any architecture, or of none that is known.
  const shown = images.filter((image) => image.source === 'imported' || image.arch === (arch ?? archs[0]));
  const iso = source?.kind === 'iso' ? source : undefined;
  const chooseImage = (image: Image) =>
    choose(
      image.iso
        ? { kind: 'iso', path: image.path ?? '', guestOS: 'arm-ubuntu-64' }
        : { kind: 'image', image },
    );
  return (
    <section aria-label={say('new.source')}>
      <DropZone done={chooseImage} begin={incoming.begin} isBusy={incoming.doing !== undefined} />
      <Unfinished />
      {archs.length > 1 && (
        <NativeSelect
          size="xs"
          className={styles.arch}
          aria-label={say('new.arch')}
          value={arch ?? archs[0]}
          data={archs}
          onChange={(event) => setArch(event.currentTarget.value)}
        />
      )}
      <ul className={styles.grid}>
        {shown.map((image) => (
          <li key={`${image.id} ${image.arch}`}>
            <Choice
              label={image.name}
              help={[image.arch, sizeOf(image) ?? say('new.here')].filter((part) => part !== '').join(' · ')}
              picture={<SystemMark system={systemOf(image.guestOS ?? '')} />}
              isChosen={isChosen(source, image)}
              choose={() => chooseImage(image)}
            />
          </li>
        ))}
        <li>
          <Choice
            label={say('new.iso')}
            help={say('new.isoHelp')}
            picture={<SystemMark system="other" />}
            isChosen={iso !== undefined}
            choose={() => choose(iso ?? { kind: 'iso', path: '', guestOS: 'arm-ubuntu-64' })}
          />
        </li>
      </ul>
      {iso && <IsoFields iso={iso} choose={choose} />}
    </section>
  );
}

/** What must be downloaded first; undefined if nothing. */
function sizeOf({ cached, sizeBytes, source }: Image): string | undefined {
  return cached || source === 'embedded' || sizeBytes === null ? undefined : formatSize(sizeBytes);
}

interface IsoProps {
  readonly iso: Extract<Source, { kind: 'iso' }>;
  readonly choose: (source: Source) => void;
}

/** Where the ISO is, and which system it installs. */
function IsoFields({ iso, choose }: IsoProps): ReactElement {
  const { say } = useText();
  return (
    <div className={styles.iso}>
      <TextInput
        size="xs"
        label={say('new.isoPath')}
        placeholder="/home/me/Downloads/installer.iso"
        value={iso.path}
        maxLength={4096}
        onChange={(event) => choose({ ...iso, path: event.currentTarget.value.trim() })}
      />
      <Select
        size="xs"
        label={say('new.system')}
        value={iso.guestOS}
        data={[...installable]}
        searchable
        allowDeselect={false}
        onChange={(guestOS) => {
          if (guestOS !== null) choose({ ...iso, guestOS });
        }}
      />
    </div>
  );
}
