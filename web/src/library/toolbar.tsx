import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useEffect, useRef, type ReactElement } from 'react';
import { Link } from 'wouter';
import { Permitted } from '../data/rights.tsx';
import { Icon } from '../design/icon.tsx';
import { useText } from '../text/text.ts';
import { orders, type Order } from './arrange.ts';
import styles from './library.module.css';

interface ToolbarProps {
  readonly query: string;
  readonly order: Order;
  readonly arrange: (change: { query?: string; order?: Order }) => void;
}

/** The field for the search; the key / moves to it, and Escape empties it. */
function Search({ query, arrange }: Omit<ToolbarProps, 'order'>): ReactElement {
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
      onChange={(event) => arrange({ query: event.currentTarget.value })}
      onKeyDown={(event) => {
        if (event.key === 'Escape') arrange({ query: '' });
      }}
    />
  );
}

/** What the library is searched and sorted by. */
export function Toolbar({ query, order, arrange }: ToolbarProps): ReactElement {
  const { say } = useText();
  return (
    <div className={styles.toolbar}>
      <Search query={query} arrange={arrange} />
      <NativeSelect
        size="xs"
        className={styles.order}
        aria-label={say('app.sort')}
        value={order}
        data={orders.map((value) => ({ value, label: say(`app.sort.${value}`) }))}
        onChange={(event) => arrange({ order: event.currentTarget.value as Order })}
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
