import { useState, type ReactElement } from 'react';
import { Choice } from '../design/choice/choice.tsx';
import { Panel } from '../design/panel/panel.tsx';
import { State } from '../design/state/state.tsx';
import { SystemMark } from '../design/system-mark/system-mark.tsx';
import { useText } from '../text/text.ts';
import styles from './story.module.css';

const states = ['running', 'paused', 'suspended', 'stopped', 'unreachable', 'broken'] as const;

/** What machines are shown with. */
export function Parts(): ReactElement {
  const { say } = useText();
  const [chosen, choose] = useState('1');
  return (
    <>
      <Panel title={say('design.states')}>
        <div className={styles.line}>
          {states.map((state) => (
            <State key={state} state={state} />
          ))}
        </div>
      </Panel>
      <Panel title={say('design.choices')}>
        {['1', '2'].map((each) => (
          <Choice
            key={each}
            label={`${say('design.word')} ${each}`}
            help={say('design.sample')}
            picture={<SystemMark system="debian" />}
            isChosen={chosen === each}
            choose={() => choose(each)}
          />
        ))}
        <Choice
          label={`${say('design.word')} 3`}
          isChosen={chosen === '3'}
          isOpen
          choose={() => choose('3')}
        />
      </Panel>
    </>
  );
}
