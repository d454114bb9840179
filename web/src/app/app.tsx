import type { ReactElement } from 'react';
import { useState } from 'react';
import { signOut } from '../data/session.ts';
import { useLive, useMachines } from '../data/machines.ts';
import { Library } from '../library/library.tsx';
import { arranged, type Order } from '../library/arrange.ts';
import { useText } from '../text/text.ts';
import { Header } from './header.tsx';
import { SignedOut } from './signed-out.tsx';
import styles from './app.module.css';

/** The whole page. */
export function App(): ReactElement {
  const { say } = useText();
  const connection = useLive();
  const { machines } = useMachines();
  const [query, setQuery] = useState('');
  const [order, setOrder] = useState<Order>('name');
  const [left, setLeft] = useState(false);
  if (left || connection === 'signed-out') return <SignedOut />;
  const leave = () => void signOut().then(() => setLeft(true));
  return (
    <>
      <Header {...{ query, setQuery, order, setOrder, leave }} />
      {connection === 'lost' && (
        <p role="status" className={styles.lost}>
          {say('app.reconnecting')}
        </p>
      )}
      <main className={styles.main}>
        <Library
          machines={machines}
          shown={arranged(machines ?? [], query, order)}
          query={query}
          clear={() => setQuery('')}
        />
      </main>
    </>
  );
}
