/**
 * Checks the Go programs for guests: their format and go vet. If Go is not installed, this prints how to install
 * it and exits with 77, the code for a skipped test; with --required it fails.
 */
import { goMissing, runGo, unformatted } from './go.ts';

const skipped = 77;

function check(): number {
  const format = unformatted();
  const vet = format && runGo(['vet', './...']);
  if (!format || !vet) {
    console.log(goMissing);
    return process.argv.includes('--required') ? 1 : skipped;
  }
  if (format.output !== '') console.log(`Not formatted; gofmt -w guest/tools does it:\n${format.output}`);
  if (format.output !== '' || format.code !== 0) return 1;
  if (vet.output !== '') console.log(vet.output);
  return vet.code;
}

process.exitCode = check();
