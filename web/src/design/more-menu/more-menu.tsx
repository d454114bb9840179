import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { Icon } from '../icon/icon.tsx';

interface MoreMenuProps {
  readonly label: string;
  readonly disabled?: boolean;
  readonly children: ReactNode;
}

/** What can be done to one thing of a list. */
export function MoreMenu({ label, disabled = false, children }: MoreMenuProps): ReactElement {
  return (
    <Menu position="bottom-end" withinPortal loop>
      <Menu.Target>
        <Tooltip label={label}>
          <ActionIcon variant="subtle" color="gray" aria-label={label} disabled={disabled}>
            <Icon name="more" />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}
