import { Loader, Modal, TextInput } from '@mantine/core';
import { useEffect, useId, useState, type KeyboardEvent, type ReactElement } from 'react';
import { useActions } from '../machine/actions.ts';
import { Failure } from '../machine/failure.tsx';
import { Question } from '../machine/question.tsx';
import { useText } from '../text/text.ts';
import { found } from './commands.ts';
import styles from './palette.module.css';
import { useCommands, type MachineQuestion } from './use-commands.ts';

/** Opens with Ctrl-K or Cmd-K from everywhere, and does what is chosen. */
export function Palette(): ReactElement {
  const { say } = useText();
  const [isOpen, setOpen] = useState(false);
  const [question, setQuestion] = useState<MachineQuestion>();
  useEffect(() => {
    const listen = (event: globalThis.KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      setOpen((was) => !was);
    };
    // Before a console that takes all keys.
    globalThis.addEventListener('keydown', listen, { capture: true });
    return () => globalThis.removeEventListener('keydown', listen, { capture: true });
  }, []);
  return (
    <>
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        withCloseButton={false}
        lockScroll={false}
        size="md"
        padding="xs"
        title={say('palette.title')}
      >
        {isOpen && <Choices close={() => setOpen(false)} ask={setQuestion} />}
      </Modal>
      {question && <Asking {...question} close={() => setQuestion(undefined)} />}
    </>
  );
}

/** The question before what was chosen. What comes of it shows beside the other tasks. */
function Asking({ machine, asked, close }: MachineQuestion & { close: () => void }): ReactElement {
  const { act } = useActions(machine);
  return <Question asked={asked} machine={machine} act={act} close={close} />;
}

/** Keeps what is chosen in view. */
function showOption(option: HTMLElement | null): void {
  option?.scrollIntoView({ block: 'nearest' });
}

interface ChoicesProps {
  readonly close: () => void;
  readonly ask: (question: MachineQuestion) => void;
}

function Choices({ close, ask }: ChoicesProps): ReactElement {
  const { say } = useText();
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const list = useId();
  const shown = found(useCommands(ask), query);
  const chosen = Math.min(at, shown.length - 1);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = (index: number) => {
    setBusy(true);
    setError(undefined);
    void Promise.resolve(shown[index]?.run())
      .then(close, setError)
      .finally(() => setBusy(false));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((chosen + step + shown.length) % Math.max(1, shown.length));
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing && !isBusy) run(chosen);
  };
  const option = shown[chosen] && `${list}-${chosen}`;
  return (
    <>
      <TextInput
        data-autofocus
        role="combobox"
        aria-expanded
        aria-controls={list}
        {...(option ? { 'aria-activedescendant': option } : {})}
        aria-label={say('palette.find')}
        placeholder={say('palette.find')}
        value={query}
        maxLength={100}
        rightSection={isBusy && <Loader size={14} />}
        onChange={(event) => {
          setQuery(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id={list} role="listbox" className={styles.list} aria-label={say('palette.title')}>
        {shown.map(({ id, label, about }, index) => (
          // The keys are handled by the field, which keeps the focus.
          <li
            key={id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === chosen}
            ref={index === chosen ? showOption : null}
            className={styles.option}
            onMouseMove={() => setAt(index)}
            onClick={() => run(index)}
          >
            <span>{label}</span>
            <span className={styles.about}>{about}</span>
          </li>
        ))}
      </ul>
      {error !== undefined && <Failure error={error} />}
      {shown.length === 0 && (
        <p className={styles.none} role="status">
          {say('palette.none')}
        </p>
      )}
    </>
  );
}
