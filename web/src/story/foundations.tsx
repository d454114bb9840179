import type { ReactElement } from 'react';
import { icons, Icon } from '../design/icon/icon.tsx';
import { Panel } from '../design/panel/panel.tsx';
import { SystemMark } from '../design/system-mark/system-mark.tsx';
import { systems } from '../design/system-mark/systems.ts';
import { useText } from '../text/text.ts';
import styles from './story.module.css';

const colours = [
  'ground',
  'surface',
  'raised',
  'sunken',
  'line',
  'line-strong',
  'ink',
  'ink-soft',
  'accent',
  'accent-soft',
  'running',
  'paused',
  'suspended',
  'stopped',
  'broken',
  'broken-soft',
  'screen',
];
const sizes = ['type-1', 'type-2', 'type-3', 'type-4'];
const spaces = ['space-1', 'space-2', 'space-3', 'space-4', 'space-5', 'space-6'];

/** The tokens, the icons and the marks. */
export function Foundations(): ReactElement {
  const { say } = useText();
  return (
    <>
      <Panel title={say('design.colour')}>
        <ul className={styles.swatches}>
          {colours.map((name) => (
            <li key={name}>
              <span style={{ background: `var(--${name})` }} />
              <code className="mono">{name}</code>
            </li>
          ))}
        </ul>
      </Panel>
      <Panel title={say('design.type')}>
        {sizes.map((name) => (
          <p key={name} style={{ fontSize: `var(--${name})` }}>
            {say('design.sample')} <code className="mono">{name}</code>
          </p>
        ))}
        <p className="help">{say('design.sample')}</p>
      </Panel>
      <Panel title={say('design.space')}>
        {spaces.map((name) => (
          <span key={name} className={styles.space} style={{ width: `var(--${name})` }} title={name} />
        ))}
      </Panel>
      <Panel title={say('design.icons')}>
        <div className={styles.line}>
          {icons.map((name) => (
            <span key={name} title={name}>
              <Icon name={name} />
            </span>
          ))}
        </div>
      </Panel>
      <Panel title={say('design.marks')}>
        <div className={styles.line}>
          {systems.map((system) => (
            <span key={system} className={styles.mark}>
              <SystemMark system={system} />
              <span className="help">{system}</span>
            </span>
          ))}
        </div>
      </Panel>
    </>
  );
}
