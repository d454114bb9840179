import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { useEffect, useRef, useState, type ReactElement, type ReactNode } from 'react';
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
  const look: Look = { variant: 'subtle', color: 'gray', 'aria-label': label, disabled };
  if (isUsed) return <UsedMenu look={look}>{children}</UsedMenu>;
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
}

interface Look {
  readonly variant: string;
  readonly color: string;
  readonly 'aria-label': string;
  readonly disabled: boolean;
}

/** The menu itself. It opens when its own button has the focus, which comes back to it when the menu closes. */
function UsedMenu({ look, children }: { look: Look; children: ReactNode }): ReactElement {
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    button.current?.focus();
    setOpen(true);
  }, []);
  return (
    <Menu position="bottom-end" withinPortal loop opened={isOpen} onChange={setOpen}>
      <Menu.Target>
        <Tooltip label={look['aria-label']}>
          <ActionIcon ref={button} {...look}>
            <Icon name="more" />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}
