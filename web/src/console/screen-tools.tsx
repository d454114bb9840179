import { ActionIcon, FileButton, Menu, Tooltip } from '@mantine/core';
import type RFB from '@novnc/novnc';
import type { ReactElement, ReactNode } from 'react';
import { useMay } from '../data/rights.tsx';
import { Icon, type IconName } from '../design/icon/icon.tsx';
import { useText } from '../text/text.ts';
import styles from './console.module.css';
import { combinations, press } from './keys.ts';
import type { Drop } from './use-drop.ts';
import { viewsFor, type View } from './use-screen.ts';

interface ToolProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick?: () => void;
  /** Of something that can be on or off. */
  readonly pressed?: boolean;
  readonly disabled?: boolean;
}

/** A button of the bar: a picture, and a label for those who do not know or see it. */
export function Tool({ icon, label, onClick, pressed, disabled = false }: ToolProps): ReactElement {
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        className={styles.tool}
        aria-label={label}
        disabled={disabled}
        {...(onClick ? { onClick } : {})}
        {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
      >
        <Icon name={icon} />
      </ActionIcon>
    </Tooltip>
  );
}

function ToolMenu({
  icon,
  label,
  children,
  disabled = false,
}: ToolProps & { children: ReactNode }): ReactElement {
  return (
    <Menu position="bottom-end" withinPortal loop disabled={disabled}>
      <Menu.Target>
        <Tooltip label={label}>
          <ActionIcon
            variant="subtle"
            color="gray"
            className={styles.tool}
            aria-label={label}
            disabled={disabled}
          >
            <Icon name={icon} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}

/** Keys that the host would keep. */
export function KeyMenu({ rfb }: { rfb: RFB | undefined }): ReactElement {
  const { say } = useText();
  return (
    <ToolMenu icon="keyboard" label={say('console.keys')} disabled={!rfb}>
      {combinations.map(([label, codes]) => (
        <Menu.Item key={label} onClick={() => rfb && press(rfb, codes)}>
          {label}
        </Menu.Item>
      ))}
    </ToolMenu>
  );
}

/** Files for the guest, for those who do not drop them. */
export function FileTool({ send }: { send: Drop['send'] }): ReactElement {
  const { say } = useText();
  return (
    <FileButton multiple onChange={(files) => files.length > 0 && send?.(files)}>
      {({ onClick }) => <Tool icon="tasks" label={say('console.files')} disabled={!send} onClick={onClick} />}
    </FileButton>
  );
}

/** How large the picture is. */
export function ViewMenu({ view, choose }: { view: View; choose: (view: View) => void }): ReactElement {
  const { say } = useText();
  return (
    <ToolMenu icon="view" label={say('console.view')}>
      {viewsFor(useMay()).map((each) => (
        <Menu.Item key={each} rightSection={each === view ? '✓' : ' '} onClick={() => choose(each)}>
          {say(`console.view.${each}`)}
        </Menu.Item>
      ))}
    </ToolMenu>
  );
}
