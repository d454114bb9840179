import {
  ActionIcon,
  NativeSelect,
  TextInput,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useEffect, useRef, type ReactElement } from 'react';
import { Icon } from '../design/icon.tsx';
import { orders, type Order } from '../library/arrange.ts';
import { changeLanguage, languages, useText, type Language } from '../text/text.ts';
import styles from './app.module.css';

interface HeaderProps {
  readonly query: string;
  readonly setQuery: (query: string) => void;
  readonly order: Order;
  readonly setOrder: (order: Order) => void;
  readonly leave: () => void;
}

/** The field for the search; the key / moves to it, and Escape empties it. */
function Search({ query, setQuery }: Pick<HeaderProps, 'query' | 'setQuery'>): ReactElement {
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
      onChange={(event) => setQuery(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') setQuery('');
      }}
    />
  );
}

function ThemeSwitch(): ReactElement {
  const { say } = useText();
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme('light') === 'dark';
  const label = say(isDark ? 'app.light' : 'app.dark');
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        className={styles.tool}
        aria-label={label}
        onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
      >
        <Icon name={isDark ? 'sun' : 'moon'} />
      </ActionIcon>
    </Tooltip>
  );
}

/** The bar at the top of the page. */
export function Header({ query, setQuery, order, setOrder, leave }: HeaderProps): ReactElement {
  const { say, language } = useText();
  return (
    <header className={styles.header}>
      <div className={styles.bar}>
        <p className={styles.brand}>
          <img src="/kame.svg" width={22} height={22} alt="" />
          Kame
        </p>
        <Search {...{ query, setQuery }} />
        <NativeSelect
          size="xs"
          className={styles.order}
          aria-label={say('app.sort')}
          value={order}
          data={orders.map((value) => ({ value, label: say(`app.sort.${value}`) }))}
          onChange={(event) => setOrder(event.currentTarget.value as Order)}
        />
        <NativeSelect
          size="xs"
          className={styles.language}
          aria-label={say('app.language')}
          value={language}
          data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
          onChange={(event) => void changeLanguage(event.currentTarget.value as Language)}
        />
        <ThemeSwitch />
        <Tooltip label={say('app.leave')}>
          <ActionIcon
            variant="subtle"
            color="gray"
            className={styles.tool}
            aria-label={say('app.leave')}
            onClick={leave}
          >
            <Icon name="leave" />
          </ActionIcon>
        </Tooltip>
      </div>
    </header>
  );
}
