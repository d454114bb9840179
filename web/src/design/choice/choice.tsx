import type { ReactElement, ReactNode } from 'react';
import styles from './choice.module.css';

interface ChoiceProps {
  readonly label: string;
  readonly help?: string;
  readonly picture?: ReactNode;
  readonly isChosen: boolean;
  /** It stands for something that does not exist yet. */
  readonly isOpen?: boolean;
  readonly choose: () => void;
}

/** One of several things, of which a person chooses one. */
export function Choice({
  label,
  help,
  picture,
  isChosen,
  isOpen = false,
  choose,
}: ChoiceProps): ReactElement {
  return (
    <button
      type="button"
      className={styles.choice}
      aria-pressed={isChosen}
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
