import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { useState, type ReactElement, type ReactNode } from 'react';
import { Icon } from '../icon/icon.tsx';

interface MoreMenuProps {
  readonly label: string;
  readonly disabled?: boolean;
  readonly children: ReactNode;
}

/**
 * What can be done to one thing of a list. There may be many of them, so each is only a button until it is used: a menu and a tooltip
 * take more time to make than the rest of a card.
 */
export function MoreMenu({ label, disabled = false, children }: MoreMenuProps): ReactElement {
  const [isUsed, setUsed] = useState(false);
  const look = { variant: 'subtle', color: 'gray', 'aria-label': label, disabled } as const;
  if (!isUsed)
    return (
      <ActionIcon
        {...look}
        title={label}
        aria-haspopup="menu"
        aria-expanded={false}
        onClick={() => setUsed(true)}
      >
        <Icon name="more" />
      </ActionIcon>
    );
  return (
    <Menu position="bottom-end" withinPortal loop defaultOpened>
      <Menu.Target>
        <Tooltip label={label}>
          <ActionIcon {...look}>
            <Icon name="more" />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}
