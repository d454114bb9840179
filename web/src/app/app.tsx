import { Suspense, useEffect, useRef, useState, type ReactElement } from 'react';
import { Route, Router, Switch, useLocation } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import type { WebSession } from '../../../src/api/web.ts';
import { useLive } from '../data/machines.ts';
import { useMay, useWho, WhoProvider } from '../data/rights.tsx';
import { signOut, type SignedOut as SignsIn } from '../data/session.ts';
import { LibraryPage } from '../library/library-page.tsx';
import { Palette } from '../palette/palette.tsx';
import { useText } from '../text/text.ts';
import styles from './app.module.css';
import { Header } from './header.tsx';
import { keepFocus } from './keep-focus.ts';
import { NotFound } from '../design/not-found/not-found.tsx';
import { RoomGuard } from './room-guard.tsx';
import { HostPage, loadRooms, MachinePage, NewPage, StoryPage } from './rooms.ts';
import { SignedOut } from './signed-out.tsx';
import { UndoToast } from './undo-toast.tsx';

/** Milliseconds after the start, when the library is there. */
const loadRoomsMs = 3000;

/** The rooms of the web desktop, each at an address of its own after #: no part of it is sent to a server. */
function Rooms(): ReactElement {
  const { say } = useText();
  const may = useMay();
  const [location] = useLocation();
  useEffect(() => {
    const timer = setTimeout(() => void loadRooms(), loadRoomsMs);
    return () => clearTimeout(timer);
  }, []);
  return (
    <RoomGuard room={location}>
      <Suspense fallback={<p role="status">{say('app.loading')}</p>}>
        <Switch>
          <Route path="/">
            <LibraryPage />
          </Route>
          <Route path="/folders/*">{(params) => <LibraryPage address={params['*']} />}</Route>
          {may('machines.create') && <Route path="/new" component={NewPage} />}
          {may('daemon.status') && <Route path="/host" component={HostPage} />}
          <Route path="/design" component={StoryPage} />
          <Route path="/machines/:id/:tab?">
            {({ id, tab }) => <MachinePage key={id} id={id} tab={tab ?? 'console'} />}
          </Route>
          <Route>
            <NotFound />
          </Route>
        </Switch>
      </Suspense>
    </RoomGuard>
  );
}

/** The page of somebody who has a session. */
function Desktop(): ReactElement {
  const { say } = useText();
  const { user } = useWho();
  const connection = useLive();
  const [hasLeft, setLeft] = useState(false);
  const main = useRef<HTMLElement>(null);
  const isOut = hasLeft || connection === 'signed-out';
  useEffect(() => (main.current ? keepFocus(main.current) : undefined), [isOut]);
  if (isOut) return <SignedOut signIn={user === null ? 'address' : 'password'} hasEnded={!hasLeft} />;
  return (
    <Router hook={useHashLocation}>
      <Header leave={() => void signOut().then(() => setLeft(true))} />
      {connection === 'lost' && (
        <p role="status" className={styles.lost}>
          {say('app.reconnecting')}
        </p>
      )}
      <Palette />
      <main ref={main} className={styles.main}>
        <Rooms />
      </main>
      <UndoToast />
    </Router>
  );
}

/** The whole page. @param session whose it is, or how to sign in */
export function App({ session }: { session: WebSession | SignsIn }): ReactElement {
  if (typeof session === 'string') return <SignedOut signIn={session} hasEnded={false} />;
  return (
    <WhoProvider value={session}>
      <Desktop />
    </WhoProvider>
  );
}
