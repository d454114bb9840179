import { ActionIcon, Button, NativeSelect, TextInput, Tooltip } from '@mantine/core';
import { useEffect, useRef, type ReactElement } from 'react';
import { Link } from 'wouter';
import { Permitted } from '../data/rights.tsx';
import { Icon } from '../design/icon/icon.tsx';
import { useText } from '../text/text.ts';
import { orders, type Order } from './arrange.ts';
import { layouts, type View } from './view.ts';
import styles from './library.module.css';

interface ToolbarProps {
  readonly view: View;
  readonly change: (to: Partial<View>) => void;
}

/** The field for the search; the key / moves to it, and Escape empties it. */
function Search({ view: { query }, change }: ToolbarProps): ReactElement {
  const { say } = useText();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const inField = event.target instanceof Element && event.target.closest('input, textarea, select');
      if (event.key !== '/' || inField) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
  return (
    <TextInput
      ref={field}
      type="search"
      size="xs"
      className={styles.search}
      aria-label={say('app.search')}
      placeholder={say('app.search')}
      leftSection={<Icon name="search" size={14} />}
      value={query}
      maxLength={200}
      onChange={(event) => change({ query: event.currentTarget.value })}
      onKeyDown={(event) => {
        if (event.key === 'Escape') change({ query: '' });
      }}
    />
  );
}

/** Whether machines are cards or rows. */
function Layouts({ view, change }: ToolbarProps): ReactElement {
  const { say } = useText();
  return (
    <div className={styles.layouts} role="group" aria-label={say('app.layout')}>
      {layouts.map((layout) => (
        <Tooltip key={layout} label={say(`app.layout.${layout}`)}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={say(`app.layout.${layout}`)}
            aria-pressed={view.layout === layout}
            onClick={() => change({ layout })}
          >
            <Icon name={layout} />
          </ActionIcon>
        </Tooltip>
      ))}
    </div>
  );
}

/** What the library is searched and sorted by. */
export function Toolbar({ view, change }: ToolbarProps): ReactElement {
  const { say } = useText();
  return (
    <div className={styles.toolbar}>
      <Search view={view} change={change} />
      <Layouts view={view} change={change} />
      <NativeSelect
        size="xs"
        className={styles.order}
        aria-label={say('app.sort')}
        value={view.order}
        data={orders.map((value) => ({ value, label: say(`app.sort.${value}`) }))}
        onChange={(event) => change({ order: event.currentTarget.value as Order })}
      />
      <Permitted to="machines.create">
        <Button
          component={Link}
          href="/new"
          size="xs"
          className={styles.new}
          leftSection={<Icon name="plus" size={12} />}
        >
          {say('app.new')}
        </Button>
      </Permitted>
    </div>
  );
}
