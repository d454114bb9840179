import { Button } from '@mantine/core';
import { useEffect, useState, type ReactElement } from 'react';
import { refresh } from '../data/machines.ts';
import { useStore } from '../data/store.ts';
import { undoOffer, type Undoable } from '../data/undo.ts';
import { Toast } from '../design/toast/toast.tsx';
import { troubleOf } from '../machine/trouble.ts';
import { TroubleText } from '../machine/trouble-text.tsx';
import { useText } from '../text/text.ts';
import styles from './app.module.css';
import { isUndoKey, ownsKeys } from './undo-key.ts';

/** Milliseconds that an offer stays. It waits while the pointer or the focus is on it. */
const offeredMs = 15_000;

/** Offers to undo what was done last, by its button or Ctrl-Z. */
export function UndoToast(): ReactElement | null {
  const offer = useStore(undoOffer);
  const [failed, setFailed] = useState<unknown>();
  if (failed !== undefined)
    return (
      <div className={styles.toasts}>
        <Toast kind="error" dismiss={() => setFailed(undefined)}>
          <TroubleText trouble={troubleOf(failed)} />
        </Toast>
      </div>
    );
  return offer ? (
    <div className={styles.toasts}>
      <Offer key={offer.said} offer={offer} fail={setFailed} />
    </div>
  ) : null;
}

interface OfferProps {
  readonly offer: Undoable;
  readonly fail: (error: unknown) => void;
}

function Offer({ offer, fail }: OfferProps): ReactElement {
  const { say } = useText();
  const [isBusy, setBusy] = useState(false);
  const [isHeld, setHeld] = useState(false);
  const end = () => undoOffer.set(undefined);
  const undo = () => {
    setBusy(true);
    void offer.undo().then(refresh).catch(fail).finally(end);
  };
  useEffect(() => {
    if (isHeld || isBusy) return undefined;
    const timer = setTimeout(end, offeredMs);
    return () => clearTimeout(timer);
  }, [isHeld, isBusy]);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const isElsewhere = event.target instanceof Element && event.target.closest(ownsKeys);
      if (!isUndoKey(event) || isElsewhere || isBusy) return;
      event.preventDefault();
      undo();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  });
  return (
    <div
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Toast
        kind="done"
        dismiss={end}
        action={
          <Button size="compact-sm" variant="default" loading={isBusy} onClick={undo}>
            {say('do.undo')}
          </Button>
        }
      >
        <p>{offer.said}</p>
      </Toast>
    </div>
  );
}
