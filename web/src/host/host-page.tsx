import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import type { Doctor } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { HostCharts } from '../activity/host-charts.tsx';
import { client } from '../data/client.ts';
import { useDaemon, useDoctor, useEvents, useTasks } from '../data/host.ts';
import { Permitted, useMay } from '../data/rights.tsx';
import { Column, Columns } from '../design/columns/columns.tsx';
import { Icon } from '../design/icon/icon.tsx';
import { PageHead } from '../design/page-head/page-head.tsx';
import { Panel } from '../design/panel/panel.tsx';
import { Failure } from '../machine/failure.tsx';
import { Busy } from '../machine/outcome.tsx';
import { useText } from '../text/text.ts';
import styles from './host.module.css';

/** This computer: what the doctor finds, what the daemon does now, and what happened. */
export function HostPage(): ReactElement {
  const { say } = useText();
  return (
    <div className={styles.room}>
      <PageHead title={say('host.title')}>
        <Daemon />
      </PageHead>
      <HostCharts />
      <Columns kind="halves">
        <Permitted to="host.doctor">
          <Checks />
        </Permitted>
        <Column>
          <Tasks />
          <Events />
        </Column>
      </Columns>
    </div>
  );
}

function Daemon(): ReactElement | null {
  const { say } = useText();
  const daemon = useDaemon();
  if (!daemon) return null;
  const { version, rssBytes, home } = daemon;
  const parts = [
    say('host.version', { version: version ?? '' }),
    ...(rssBytes === null ? [] : [say('host.daemonMemory', { size: formatSize(rssBytes) })]),
    home,
  ];
  return <p className="help">{parts.join(' · ')}</p>;
}

function Checks(): ReactElement {
  const { say } = useText();
  const { doctor, error, again, isBusy } = useDoctor();
  return (
    <Panel
      title={say('host.doctor')}
      tools={
        <Button size="compact-xs" variant="default" loading={isBusy} onClick={again}>
          {say('host.again')}
        </Button>
      }
    >
      {error !== null && <Failure error={error} />}
      {!doctor && error === null && <p role="status">{say('host.checking')}</p>}
      <ul className={styles.list}>
        {(doctor?.checks ?? []).map((check) => (
          <Check key={check.name} check={check} />
        ))}
      </ul>
    </Panel>
  );
}

function Check({
  check: { name, status, message, next },
}: {
  check: Doctor['checks'][number];
}): ReactElement {
  const { say } = useText();
  return (
    <li className={styles.check} data-status={status}>
      <span className={styles.sign}>
        <Icon name={status === 'ok' ? 'done' : 'warning'} size={14} />
      </span>
      <div>
        <p>
          <strong>{name}</strong> <span className="help">{say(`host.status.${status}`)}</span>
        </p>
        {/* The words of the daemon. */}
        <p className="help" lang="en">
          {message}
        </p>
        {next !== undefined && <p lang="en">{next}</p>}
      </div>
    </li>
  );
}

function Tasks(): ReactElement {
  const { say } = useText();
  const may = useMay();
  const tasks = useTasks();
  return (
    <Panel title={say('host.tasks')}>
      {tasks.length === 0 && <p className="help">{say('host.noTasks')}</p>}
      <ul className={styles.list}>
        {tasks.map(({ id, verb, machine, progress }) => (
          <li key={id}>
            <Busy
              what={[verb, machine].filter((part) => part !== null).join(' ')}
              name={verb}
              progress={progress ?? undefined}
              {...(may('tasks.cancel')
                ? { cancel: () => void client.tasks.cancel(id).catch(() => undefined) }
                : {})}
            />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Events(): ReactElement {
  const { say, language } = useText();
  const events = useEvents();
  return (
    <Panel title={say('host.events')}>
      {events.length === 0 && <p className="help">{say('host.noEvents')}</p>}
      <ol className={styles.list}>
        {events.map(({ at, message }, index) => (
          <li key={`${at} ${events.length - index}`} className={styles.event}>
            <time dateTime={at} className="help">
              {new Date(at).toLocaleTimeString(language)}
            </time>
            <span lang="en">{message}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
