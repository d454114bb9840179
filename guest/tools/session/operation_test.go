package session

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kame-tools/wire"
)

func (h *host) ask(stream uint32, request map[string]any) {
	h.t.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		h.t.Fatal(err)
	}
	h.send(wire.Request, stream, text)
}

func TestAnOperationAnswersInItsWindow(t *testing.T) {
	h := serve(t)
	at := t.TempDir()
	const files = 3000
	for number := 0; number < files; number++ {
		name := fmt.Sprintf("%s-%d", strings.Repeat("n", 80), number)
		if err := os.WriteFile(filepath.Join(at, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.ask(1, map[string]any{"service": "operate", "operation": "list", "path": at})
	stdout, _, end := h.finish(1)
	if len(stdout) <= wire.Window || strings.Count(stdout, `"name"`) != files || end != `{"exitCode":0,"signal":null}` {
		t.Fatal(len(stdout), end)
	}
	h.ask(2, map[string]any{"service": "operate", "operation": "list", "path": "/none"})
	if stdout, _, _ := h.finish(2); !strings.Contains(stdout, `{"failed":{"code":"noSuchFile"`) {
		t.Fatal(stdout)
	}
}

func TestAScriptIsReadFromNoFileSystem(t *testing.T) {
	h := serve(t)
	h.ask(1, map[string]any{
		"service": "exec", "command": []string{"sh"},
		"script": map[string]any{"text": "echo \"$#:$1\"; cat; exit 5", "arguments": []string{"a b", "c"}},
	})
	stdout, stderr, end := h.finish(1)
	if stdout != "2:a b\n" || stderr != "" || end != `{"exitCode":5,"signal":null}` {
		t.Fatalf("%q %q %s", stdout, stderr, end)
	}
}

func TestADetachedCommandOutlivesItsConnection(t *testing.T) {
	h := serve(t)
	mark := filepath.Join(t.TempDir(), "mark")
	begun := mark + ".begun"
	words := []string{"sh", "-c", "echo > \"$1\"; until [ -e \"$2\" ]; do sleep 0.02; done; mv \"$1\" \"$2.end\"", "sh", begun, mark}
	h.ask(1, map[string]any{"service": "exec", "command": words, "detached": true})
	if _, _, end := h.finish(1); !strings.Contains(end, `"pid":`) {
		t.Fatal(end)
	}
	h.connect(wire.Nonce{2})
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(mark + ".end"); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it has ended with its connection")
		}
	}
}

func TestADetachedCommandThatIsNotThereIsRefused(t *testing.T) {
	h := serve(t)
	h.ask(1, map[string]any{"service": "exec", "command": []string{"no-such-program"}, "detached": true})
	if _, _, end := h.finish(1); !strings.Contains(end, "no-such-program: not found") {
		t.Fatal(end)
	}
}
