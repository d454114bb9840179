import type { ReactElement, ReactNode } from 'react';
import styles from './choice.module.css';

interface ChoiceProps {
  readonly label: string;
  readonly help?: string;
  readonly picture?: ReactNode;
  readonly isChosen: boolean;
  /** It stands for something that does not exist yet. */
  readonly isOpen?: boolean;
  /** How deep it is in a tree, whose one choice Tab reaches. Without it, it is a button of its own. */
  readonly level?: number;
  readonly choose: () => void;
}

/** One of several things, of which a person chooses one. */
export function Choice({
  label,
  help,
  picture,
  isChosen,
  isOpen = false,
  level,
  choose,
}: ChoiceProps): ReactElement {
  return (
    <button
      type="button"
      className={styles.choice}
      {...(level === undefined
        ? { 'aria-pressed': isChosen }
        : { role: 'treeitem', 'aria-selected': isChosen, 'aria-level': level, tabIndex: isChosen ? 0 : -1 })}
      data-open={isOpen}
      title={label}
      onClick={choose}
    >
      {picture}
      <span className={styles.words}>
        <span className={styles.label}>{label}</span>
        {help !== undefined && <span className="help">{help}</span>}
      </span>
    </button>
  );
}
