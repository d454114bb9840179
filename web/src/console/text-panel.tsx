import { Button, CopyButton, NativeSelect, Textarea } from '@mantine/core';
import type RFB from '@novnc/novnc';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import { TroubleNote } from '../machine/trouble-note.tsx';
import { useText } from '../text/text.ts';
import styles from './console.module.css';
import { layouts, strokesFor, type Layout } from './keyboard-layouts.ts';
import { press, type as typeOn } from './keys.ts';
import type { SharedClipboard } from './use-clipboard.ts';

interface TextPanelProps {
  readonly rfb: RFB | undefined;
  readonly clipboard: SharedClipboard;
}

/** What the guest has copied. */
function Copied({ text }: { text: string }): ReactElement {
  const { say } = useText();
  return (
    <div>
      <Textarea
        size="xs"
        label={say('text.fromGuest')}
        value={text}
        readOnly
        rows={3}
        classNames={{ input: 'mono' }}
        resize="vertical"
      />
      <div className={styles.actions}>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button size="compact-sm" variant="default" onClick={copy}>
              {say(copied ? 'do.copied' : 'do.copy')}
            </Button>
          )}
        </CopyButton>
      </div>
    </div>
  );
}

/** Whether the clipboards are shared, and what to do if not. */
function Sharing({
  clipboard: { agent, isAutomatic, trouble, ask },
  take,
}: {
  clipboard: SharedClipboard;
  take: (text: string) => void;
}): ReactElement {
  const { say } = useText();
  return (
    <>
      {trouble ? (
        <TroubleNote trouble={trouble} />
      ) : (
        agent === false && <p className={styles.hint}>{say('text.noAgent')}</p>
      )}
      {agent === true && (
        <>
          <p className={styles.hint}>{say(isAutomatic ? 'text.automatic' : 'text.manual')}</p>
          {!isAutomatic && (
            <div className={styles.actions}>
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => void ask().then((found) => found !== undefined && take(found))}
              >
                {say('text.ask')}
              </Button>
            </div>
          )}
        </>
      )}
    </>
  );
}

/** Text for the guest, typed on its keyboard or through its clipboard, and the text that it has copied. */
export function TextPanel({ rfb, clipboard }: TextPanelProps): ReactElement {
  const { say } = useText();
  const [text, setText] = useState('');
  const [layout, setLayout] = useState<Layout>('us');
  const typing = useRef(new AbortController());
  const strokes = strokesFor(text, layout);
  const { agent, give } = clipboard;
  useEffect(() => {
    typing.current = new AbortController();
    return () => typing.current.abort();
  }, []);
  const paste = async () => {
    if ((await give(text)) && rfb) press(rfb, ['ControlLeft', 'KeyV']);
  };
  return (
    <aside className={styles.panel} aria-label={say('text.title')}>
      <Textarea
        size="xs"
        label={say('text.toGuest')}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        rows={5}
        maxLength={100_000}
        resize="vertical"
        // It was asked for; and with a keyboard, it is reached from here alone: the screen keeps Tab.
        autoFocus
      />
      <div className={styles.actions}>
        <Button
          size="compact-sm"
          variant="filled"
          disabled={!rfb || !strokes || text === ''}
          onClick={() => rfb && strokes && void typeOn(rfb, strokes, typing.current.signal)}
        >
          {say('text.type')}
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          disabled={agent !== true || text === ''}
          onClick={() => void give(text)}
        >
          {say('text.give')}
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          disabled={agent !== true || !rfb || text === ''}
          onClick={() => void paste()}
        >
          {say('text.paste')}
        </Button>
      </div>
      {text !== '' && !strokes && <p className={styles.hint}>{say('text.noKeys')}</p>}
      <NativeSelect
        size="xs"
        label={say('text.layout')}
        value={layout}
        data={layouts.map((value) => ({ value, label: say(`text.layout.${value}`) }))}
        onChange={(event) => setLayout(event.currentTarget.value as Layout)}
      />
      <Sharing clipboard={clipboard} take={setText} />
      {clipboard.text !== undefined && <Copied text={clipboard.text} />}
    </aside>
  );
}
