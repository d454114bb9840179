import { useState, type DragEvent, type ReactElement, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { Icon } from '../design/icon/icon.tsx';
import { useText } from '../text/text.ts';
import { hasMachines } from './drag.ts';
import styles from './folder-bar.module.css';
import { folderPage, foldersIn, pathTo } from './folders.ts';

interface FolderBarProps {
  readonly machines: readonly Machine[];
  readonly folder: string;
  /** Moves what is dragged onto a folder. */
  readonly drop: (folder: string, dropped: DataTransfer) => void;
}

/** Where in the library this is: the folders around it, and those within it. Machines can be dropped on each. */
export function FolderBar({ machines, folder, drop }: FolderBarProps): ReactElement | null {
  const { say } = useText();
  const within = foldersIn(machines, folder);
  if (folder === '' && within.length === 0) return null;
  const around = [{ path: '', name: say('folder.all') }, ...pathTo(folder)];
  return (
    <nav className={styles.bar} aria-label={say('folder.title')}>
      <ol className={styles.path}>
        {around.map(({ path, name }) => (
          <li key={path}>
            <Target path={path} isHere={path === folder} drop={drop}>
              {name}
            </Target>
          </li>
        ))}
      </ol>
      {within.length > 0 && (
        <ul className={styles.folders}>
          {within.map(({ path, name, count }) => (
            <li key={path}>
              <Target path={path} isHere={false} drop={drop}>
                <Icon name="folder" size={14} />
                {name}
                <span className={styles.count} aria-label={say('app.count', { count })}>
                  {count}
                </span>
              </Target>
            </li>
          ))}
        </ul>
      )}
    </nav>
  );
}

interface TargetProps {
  readonly path: string;
  readonly isHere: boolean;
  readonly drop: FolderBarProps['drop'];
  readonly children: ReactNode;
}

/** A folder, as a way to it and as a place to drop machines on. */
function Target({ path, isHere, drop, children }: TargetProps): ReactElement {
  const [isOver, setOver] = useState(false);
  const over = (event: DragEvent) => {
    if (!hasMachines(event.dataTransfer)) return;
    event.preventDefault();
    setOver(true);
  };
  return (
    <Link
      href={folderPage(path)}
      className={styles.target}
      data-over={isOver}
      {...(isHere ? { 'aria-current': 'page' as const } : {})}
      onDragOver={over}
      onDragLeave={() => setOver(false)}
      onDrop={(event: DragEvent) => {
        event.preventDefault();
        setOver(false);
        drop(path, event.dataTransfer);
      }}
    >
      {children}
    </Link>
  );
}
