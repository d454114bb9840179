import type { ProgressReport } from '../core/progress.ts';
import { cutToWidth } from '../core/text-width.ts';
import { formatDuration, formatSize } from '../core/units.ts';
import { onTerminal, type CliContext } from './context.ts';
import { visible } from './text.ts';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** Shorter operations show no progress. */
const quietMs = 400;
const frameMs = 100;
const barWidth = 20;
/** Weight of the newest speed in the moving average. */
const freshness = 0.2;

/** What stages have in common that differ in a number only, such as that of a file. */
function kindOf(stage: string | undefined): string | undefined {
  return stage?.replaceAll(/\d+/gu, '0');
}

/** Shows the progress of a long operation: a line that is redrawn on a terminal, or a line for each stage elsewhere. */
export class ProgressLine {
  readonly #context: CliContext;
  readonly #label: string;
  readonly #live: boolean;
  readonly #silent: boolean;
  readonly #startedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  #report: ProgressReport | undefined;
  #stageAt = performance.now();
  #last: { at: number; done: number } | undefined;
  #rate: number | undefined;
  #drawn = false;

  constructor(context: CliContext, label: string, options: { silent: boolean }) {
    this.#context = context;
    this.#label = visible(label);
    this.#live = onTerminal(context.stderr, context.env);
    this.#silent = options.silent && !this.#live;
    if (this.#live) {
      this.#timer = setInterval(() => this.#draw(), frameMs);
      this.#timer.unref();
    }
  }

  report(report: ProgressReport): void {
    const now = performance.now();
    if (report.stage !== this.#report?.stage) {
      this.#stageAt = now;
      this.#last = undefined;
      this.#rate = undefined;
      // A line for each of thousands of files would tell nobody anything.
      if (!this.#live && !this.#silent && kindOf(report.stage) !== kindOf(this.#report?.stage)) {
        this.#context.stderr.write(`${this.#label}: ${visible(report.stage)}\n`);
      }
    }
    this.#measure(report, now);
    this.#report = report;
  }

  /** Clears the line and shows nothing more. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#drawn) this.#context.stderr.write('\r\u001b[2K');
    this.#drawn = false;
  }

  #measure({ done }: ProgressReport, now: number): void {
    if (done === undefined) return;
    this.#last ??= { at: now, done };
    const ms = now - this.#last.at;
    if (ms < frameMs) return;
    const speed = Math.max(0, ((done - this.#last.done) / ms) * 1000);
    this.#rate = this.#rate === undefined ? speed : this.#rate + freshness * (speed - this.#rate);
    this.#last = { at: now, done };
  }

  #draw(): void {
    if (performance.now() - this.#startedAt < quietMs) return;
    this.#frame = (this.#frame + 1) % frames.length;
    // A terminal without a size, as in some containers, reports 0.
    const columns = this.#context.stderr.columns || 80;
    const line = `${frames[this.#frame]} ${this.#label}: ${this.#text()}`;
    this.#context.stderr.write(`\r\u001b[2K${cutToWidth(line, columns - 1)}`);
    this.#drawn = true;
  }

  #text(): string {
    const { stage, done, total, unit } = this.#report ?? { stage: 'Waiting for the daemon' };
    const parts = [visible(stage)];
    if (done !== undefined && total !== undefined && total > 0) {
      const share = Math.min(1, done / total);
      const full = Math.round(share * barWidth);
      parts.push(`[${'#'.repeat(full)}${'·'.repeat(barWidth - full)}] ${Math.floor(share * 100)} %`);
    }
    if (done !== undefined) {
      const show = (value: number) => (unit === 'bytes' ? formatSize(value) : String(Math.round(value)));
      parts.push(total === undefined ? show(done) : `${show(done)} of ${show(total)}`);
      if (unit === 'bytes' && this.#rate) parts.push(`${formatSize(Math.round(this.#rate))}/s`);
      if (total !== undefined && this.#rate) {
        parts.push(`${formatDuration(((total - done) / this.#rate) * 1000)} left`);
      }
    } else parts.push(formatDuration(performance.now() - this.#stageAt));
    return parts.join('  ');
  }
}
