import { Suspense, useState, type ReactElement } from 'react';
import { Route, Router, Switch } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import { useLive } from '../data/machines.ts';
import { signOut } from '../data/session.ts';
import { LibraryPage } from '../library/library-page.tsx';
import { Palette } from '../palette/palette.tsx';
import { useText } from '../text/text.ts';
import styles from './app.module.css';
import { Header } from './header.tsx';
import { NotFound } from '../design/not-found/not-found.tsx';
import { HostPage, MachinePage, NewPage, StoryPage } from './rooms.ts';
import { SignedOut } from './signed-out.tsx';
import { UndoToast } from './undo-toast.tsx';

/** The rooms of the web desktop, each at an address of its own after #: no part of it is sent to a server. */
function Rooms(): ReactElement {
  const { say } = useText();
  return (
    <Suspense fallback={<p role="status">{say('app.loading')}</p>}>
      <Switch>
        <Route path="/">
          <LibraryPage />
        </Route>
        <Route path="/folders/*">{(params) => <LibraryPage address={params['*']} />}</Route>
        <Route path="/new" component={NewPage} />
        <Route path="/host" component={HostPage} />
        <Route path="/design" component={StoryPage} />
        <Route path="/machines/:id/:tab?">
          {({ id, tab }) => <MachinePage key={id} id={id} tab={tab ?? 'console'} />}
        </Route>
        <Route>
          <NotFound />
        </Route>
      </Switch>
    </Suspense>
  );
}

/** The whole page. */
export function App(): ReactElement {
  const { say } = useText();
  const connection = useLive();
  const [left, setLeft] = useState(false);
  if (left || connection === 'signed-out') return <SignedOut />;
  return (
    <Router hook={useHashLocation}>
      <Header leave={() => void signOut().then(() => setLeft(true))} />
      {connection === 'lost' && (
        <p role="status" className={styles.lost}>
          {say('app.reconnecting')}
        </p>
      )}
      <Palette />
      <main className={styles.main}>
        <Rooms />
      </main>
      <UndoToast />
    </Router>
  );
}
