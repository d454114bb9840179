import { Button } from '@mantine/core';
import { Component, type ReactElement, type ReactNode } from 'react';
import { Note } from '../design/note/note.tsx';
import { useText } from '../text/text.ts';

function Broken(): ReactElement {
  const { say } = useText();
  return (
    <Note kind="error">
      <p>{say('app.broken')}</p>
      <p>{say('app.brokenNext')}</p>
      <Button size="compact-sm" variant="default" onClick={() => location.reload()}>
        {say('app.again')}
      </Button>
    </Note>
  );
}

interface GuardProps {
  /** The address of the room: another one is tried again. */
  readonly room: string;
  readonly children: ReactNode;
}

/**
 * Keeps the rest of the page when a room cannot be shown: it was not loaded yet and the daemon, which has it, is away, or is another
 * version by now.
 */
export class RoomGuard extends Component<GuardProps, { readonly isBroken: boolean }> {
  override readonly state = { isBroken: false };

  static getDerivedStateFromError(): { readonly isBroken: boolean } {
    return { isBroken: true };
  }

  override componentDidUpdate({ room }: GuardProps): void {
    if (this.state.isBroken && room !== this.props.room) this.setState({ isBroken: false });
  }

  override render(): ReactNode {
    return this.state.isBroken ? <Broken /> : this.props.children;
  }
}
