import type { ReactElement, ReactNode } from 'react';
import styles from './panel.module.css';

interface PanelProps {
  readonly title?: string;
  /** What stands at the other end of the line of the title. */
  readonly tools?: ReactNode;
  /** What the panel is for, in a sentence. */
  readonly help?: string;
  readonly children: ReactNode;
}

function Head({ title, tools, help }: Omit<PanelProps, 'children'>): ReactElement {
  return (
    <>
      {title !== undefined && (
        <div className={styles.head}>
          <h2>{title}</h2>
          {tools}
        </div>
      )}
      {help !== undefined && <p className="help">{help}</p>}
    </>
  );
}

/** A part of a room. */
export function Panel({ children, ...head }: PanelProps): ReactElement {
  return (
    <section className={styles.panel}>
      <Head {...head} />
      {children}
    </section>
  );
}

/** A part of a room that is sent as a whole, with the key Enter too. */
export function FormPanel({ submit, children, ...head }: PanelProps & { submit: () => void }): ReactElement {
  return (
    <form
      className={styles.panel}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Head {...head} />
      {children}
    </form>
  );
}

/** Fields of a form that belong together. */
export function FieldPanel({ title, help, children }: Omit<PanelProps, 'tools'>): ReactElement {
  return (
    <fieldset className={styles.panel}>
      <legend>{title}</legend>
      {help !== undefined && <p className="help">{help}</p>}
      {children}
    </fieldset>
  );
}
