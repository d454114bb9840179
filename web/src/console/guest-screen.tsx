import { useLocalStorage } from '@mantine/hooks';
import type RFB from '@novnc/novnc';
import { useEffect, useRef, useState, type ReactElement, type ReactNode, type RefObject } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { Permitted, useMay } from '../data/rights.tsx';
import { TroubleNote } from '../machine/trouble-note.tsx';
import { useText } from '../text/text.ts';
import styles from './console.module.css';
import { DropReport } from './drop-report.tsx';
import { onLeaveKeys } from './leave-keys.ts';
import { Readout } from './readout.tsx';
import { FileTool, KeyMenu, Tool, ViewMenu } from './screen-tools.tsx';
import { TextPanel } from './text-panel.tsx';
import { useClipboard } from './use-clipboard.ts';
import { useDrop, type Drop } from './use-drop.ts';
import { toggleFullScreen } from './full-screen.ts';
import { useScreen, viewsFor, type View } from './use-screen.ts';
import { useSound, type Sound } from './use-sound.ts';

interface GuestScreenProps {
  readonly machine: Machine;
  /** What chooses between the screen and the terminals. */
  readonly switcher: ReactNode;
}

/** Offers the picture as a file. */
function save(rfb: RFB, name: string): void {
  rfb.toBlob((blob) => {
    if (!blob) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `${name} ${new Date().toLocaleString('sv').replaceAll(':', '.')}.png`;
    link.click();
    URL.revokeObjectURL(link.href);
  }, 'image/png');
}

/** Makes the picture one thing for keyboards and screen readers: reached with Tab, named, and left with Ctrl+Alt. */
function useReachable(
  place: RefObject<HTMLDivElement | null>,
  rfb: RFB | undefined,
  { label, hint }: { readonly label: string; readonly hint: string },
  leave: () => void,
): void {
  const leaving = useRef(leave);
  leaving.current = leave;
  useEffect(() => {
    const canvas = rfb && place.current?.querySelector('canvas');
    if (!canvas) return undefined;
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'application');
    canvas.setAttribute('aria-label', label);
    canvas.setAttribute('aria-describedby', hint);
    return onLeaveKeys(canvas, () => leaving.current());
  }, [place, rfb, label, hint]);
}

interface ToolsProps {
  readonly name: string;
  /** A live connection. */
  readonly rfb: RFB | undefined;
  readonly view: View;
  readonly sound: Sound;
  readonly send: Drop['send'];
  readonly showsText: boolean;
  readonly measures: boolean;
  readonly choose: (view: View) => void;
  readonly showText: (shows: boolean) => void;
  readonly measure: (measures: boolean) => void;
}

/** What can be done with the screen. */
function Tools(props: ToolsProps): ReactElement {
  const { name, rfb, view, sound, send, showsText, measures, choose, showText, measure } = props;
  const { say } = useText();
  return (
    <div className={styles.tools} role="toolbar" aria-label={say('console.tools')}>
      <Permitted to="machines.type">
        <KeyMenu rfb={rfb} />
        <Tool
          icon="text"
          label={say('text.title')}
          pressed={showsText}
          onClick={() => showText(!showsText)}
        />
      </Permitted>
      <Permitted to="files.put">
        <FileTool send={send} />
      </Permitted>
      <ViewMenu view={view} choose={choose} />
      <Tool
        icon={sound.state === 'off' ? 'silent' : 'sound'}
        label={say(sound.state === 'off' ? 'console.sound.on' : 'console.sound.off')}
        pressed={sound.state !== 'off'}
        onClick={sound.toggle}
      />
      <Tool
        icon="snapshot"
        label={say('console.picture')}
        disabled={!rfb}
        onClick={() => rfb && save(rfb, name)}
      />
      <Tool
        icon="gauge"
        label={say('console.measure')}
        pressed={measures}
        onClick={() => measure(!measures)}
      />
      <Tool icon="expand" label={say('console.full')} onClick={() => void toggleFullScreen()} />
    </div>
  );
}

/** The live screen of a running machine, and what can be done with it. */
export function GuestScreen({ machine, switcher }: GuestScreenProps): ReactElement {
  const { say } = useText();
  const { id, name } = machine;
  const [view, setView] = useLocalStorage<View>({ key: 'kame-view', defaultValue: 'fit' });
  const may = useMay();
  const canType = may('machines.type');
  const screen = useScreen(id, viewsFor(may).includes(view) ? view : 'fit', !canType);
  const { place, status, rfb, meter, size } = screen;
  const clipboard = useClipboard(id);
  const sound = useSound(id);
  const drop = useDrop(id, { message: say('drop.folder'), next: say('drop.folder.next') });
  const [showsText, setShowsText] = useState(false);
  const [measures, setMeasures] = useState(false);
  const bar = useRef<HTMLDivElement>(null);
  const live = status === 'live' ? rfb : undefined;
  const hintId = `console-hint-${id}`;
  useReachable(place, rfb, { label: say('screen.of', { name }), hint: hintId }, () =>
    bar.current?.querySelector<HTMLElement>('input:checked, button')?.focus(),
  );
  return (
    <>
      <div ref={bar} className={styles.bar}>
        {switcher}
        <Tools
          {...{ name, view, sound, showsText, measures, send: drop.send }}
          rfb={live}
          choose={setView}
          showText={setShowsText}
          measure={setMeasures}
        />
      </div>
      <div className={styles.stage}>
        {showsText && <TextPanel rfb={live} clipboard={clipboard} />}
        <div
          className={styles.screen}
          data-over={drop.isOver}
          data-sound={sound.state}
          onFocusCapture={clipboard.passOn}
          {...(may('files.put') ? drop.handlers : {})}
        >
          <div ref={place} className={styles.picture} data-view={view} />
          {status !== 'live' && (
            <p className={styles.calm} role="status">
              {say(status === 'lost' ? 'console.again' : 'console.connecting')}
            </p>
          )}
          {drop.isOver && <p className={styles.calm}>{say('drop.here')}</p>}
        </div>
      </div>
      <p className={styles.line} id={hintId}>
        {canType ? (
          <>
            <span>{say('console.leave')}</span>
            <span>{say('console.drop')}</span>
          </>
        ) : (
          <span>{say('console.looking')}</span>
        )}
        {size && (
          <span className="mono">
            {size.width} × {size.height}
          </span>
        )}
        {measures && <Readout meter={meter} />}
      </p>
      {sound.trouble && <TroubleNote trouble={sound.trouble} dismiss={sound.dismiss} />}
      <DropReport drop={drop} />
    </>
  );
}
