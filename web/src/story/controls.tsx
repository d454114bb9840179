import { Button, Checkbox, Menu, NativeSelect, Progress, Switch, Textarea, TextInput } from '@mantine/core';
import { useId, useState, type ReactElement } from 'react';
import { CommandLine } from '../design/command-line/command-line.tsx';
import { ConfirmButton } from '../design/confirm-button/confirm-button.tsx';
import { MoreMenu } from '../design/more-menu/more-menu.tsx';
import { Note } from '../design/note/note.tsx';
import { FieldPanel, Panel } from '../design/panel/panel.tsx';
import { Row } from '../design/row/row.tsx';
import { useText } from '../text/text.ts';
import styles from './story.module.css';

const nothing = () => undefined;

/** Buttons and fields. */
export function Controls(): ReactElement {
  const { say } = useText();
  const [isOn, setOn] = useState(true);
  // Each theme has these fields: radio buttons and labels must not belong to those of the other.
  const id = useId();
  const word = say('design.word');
  const common = { size: 'xs', label: word } as const;
  return (
    <>
      <Panel title={say('design.buttons')}>
        {(['filled', 'default', 'subtle'] as const).map((variant) => (
          <div key={variant} className={styles.line}>
            <Button size="xs" variant={variant}>
              {word}
            </Button>
            <Button size="xs" variant={variant} disabled>
              {word}
            </Button>
            <Button size="xs" variant={variant} loading>
              {word}
            </Button>
          </div>
        ))}
        <div className={styles.line}>
          <ConfirmButton
            label={say('do.remove')}
            warning={say('design.sample')}
            disabled={false}
            act={nothing}
          />
          <Button size="xs" color="red">
            {say('do.off')}
          </Button>
          <MoreMenu label={say('do.more', { name: word })}>
            <Menu.Item>{word}</Menu.Item>
            <Menu.Item color="var(--broken)">{say('do.remove')}</Menu.Item>
          </MoreMenu>
        </div>
      </Panel>
      <FieldPanel title={say('design.fields')}>
        <Row>
          <TextInput {...common} id={`${id}-text`} defaultValue={say('design.sample')} />
          <TextInput {...common} id={`${id}-empty`} placeholder={word} />
          <TextInput {...common} id={`${id}-off`} defaultValue={word} disabled />
        </Row>
        <TextInput {...common} id={`${id}-wrong`} defaultValue="?" error={say('design.sample')} />
        <Row>
          <NativeSelect {...common} id={`${id}-select`} data={[word]} />
          <Switch {...common} id={`${id}-switch`} checked={isOn} onChange={() => setOn(!isOn)} />
          <Checkbox {...common} id={`${id}-check`} checked={isOn} onChange={() => setOn(!isOn)} />
        </Row>
        <Textarea {...common} id={`${id}-area`} rows={2} defaultValue={say('design.sample')} />
      </FieldPanel>
    </>
  );
}

/** What tells how something went, or goes. */
export function Feedback(): ReactElement {
  const { say } = useText();
  return (
    <Panel title={say('design.feedback')}>
      <Progress size="xs" value={40} aria-label={say('design.word')} />
      <Progress size="xs" value={100} animated aria-label={say('design.word')} />
      <Note kind="done" dismiss={nothing}>
        <p>{say('design.sample')}</p>
      </Note>
      <Note kind="error" dismiss={nothing}>
        <p>{say('design.sample')}</p>
        <p>{say('design.sample')}</p>
      </Note>
      <CommandLine text="kame list" />
    </Panel>
  );
}
