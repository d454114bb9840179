package process

import (
	"fmt"
	"io"
	"testing"
	"time"

	"kame-tools/wire"
)

// ended runs a command on a terminal until it has ended, and reads its output long after that, as for a slow host.
func ended(t *testing.T, words ...string) string {
	t.Helper()
	program, err := Start(Command{Words: words, Terminal: &Terminal{Size: Size{Rows: 24, Columns: 80}}})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Kill()
	if code, signal := program.Wait(); code != 0 || signal != 0 {
		t.Fatalf("it ended with %d, %d", code, signal)
	}
	output := program.Outputs()[wire.Stdout]
	if err := output.file.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(output)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestASlowHostGetsTheEndOfATerminal(t *testing.T) {
	const size = 8000
	if text := ended(t, "sh", "-c", fmt.Sprintf("printf %%0%dd 7", size)); len(text) != size || text[size-1] != '7' {
		t.Fatalf("%d bytes came", len(text))
	}
}

func TestALeftProgramDoesNotHoldATerminal(t *testing.T) {
	// It ignores that the terminal hangs up, and writes as fast as it is read.
	text := ended(t, "sh", "-c", "trap '' HUP; yes & echo done")
	if len(text) == 0 || len(text) > maxTerminalRest {
		t.Fatalf("%d bytes came", len(text))
	}
}
