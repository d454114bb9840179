import {
  ActionIcon,
  NativeSelect,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import { strongestRole } from '../../../src/api/role.ts';
import { Permitted, useWho } from '../data/rights.tsx';
import { Icon } from '../design/icon/icon.tsx';
import { changeLanguage, languages, useText, type Language } from '../text/text.ts';
import styles from './app.module.css';
import { Tray } from './tray.tsx';

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
        aria-label={label}
        onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
      >
        <Icon name={isDark ? 'sun' : 'moon'} />
      </ActionIcon>
    </Tooltip>
  );
}

/** The bar at the top of the page. */
export function Header({ leave }: { leave: () => void }): ReactElement {
  const { say, language } = useText();
  const session = useWho();
  const { user } = session;
  const role = strongestRole(session) ?? 'viewer';
  const who = user === null ? undefined : say('app.who', { user, role: say(`app.role.${role}`) });
  const leaving = who === undefined ? say('app.leave') : say('app.leaveAs', { who });
  return (
    <header className={styles.header}>
      <div className={styles.bar}>
        <Link href="/" className={styles.brand}>
          <img src="/kame.svg" width={22} height={22} alt="" />
          Kame
        </Link>
        <nav className={styles.rooms}>
          <Permitted to="daemon.status">
            <Link href="/host" aria-label={say('host.title')}>
              <Icon name="host" size={14} />
              <span>{say('host.title')}</span>
            </Link>
          </Permitted>
        </nav>
        <Tray />
        {who !== undefined && <span className={styles.who}>{who}</span>}
        <NativeSelect
          size="xs"
          className={styles.language}
          aria-label={say('app.language')}
          value={language}
          data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
          onChange={(event) => void changeLanguage(event.currentTarget.value as Language)}
        />
        <ThemeSwitch />
        <Tooltip label={leaving}>
          <ActionIcon variant="subtle" color="gray" aria-label={leaving} onClick={leave}>
            <Icon name="leave" />
          </ActionIcon>
        </Tooltip>
      </div>
    </header>
  );
}
