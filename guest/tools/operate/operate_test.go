package operate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ask runs an operation; its result as JSON, or the code of its failure.
func ask(t *testing.T, operation string, more map[string]any) (string, string) {
	t.Helper()
	asked := map[string]any{"operation": operation}
	for name, value := range more {
		asked[name] = value
	}
	text, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Result json.RawMessage
		Failed struct{ Code string }
	}
	if err := json.Unmarshal(Run(text), &answer); err != nil {
		t.Fatal(err)
	}
	return string(answer.Result), answer.Failed.Code
}

func expectCode(t *testing.T, want string, operation string, more map[string]any) {
	t.Helper()
	if result, code := ask(t, operation, more); code != want {
		t.Fatalf("%s %v: %q instead of %q (%s)", operation, more, code, want, result)
	}
}

func TestFiles(t *testing.T) {
	at := t.TempDir()
	in := func(name string) string { return filepath.Join(at, name) }
	expectCode(t, "", "makeDirectory", map[string]any{"path": in("a")})
	expectCode(t, "exists", "makeDirectory", map[string]any{"path": in("a")})
	expectCode(t, "noSuchFile", "makeDirectory", map[string]any{"path": in("b/c")})
	expectCode(t, "", "makeDirectory", map[string]any{"path": in("b/c"), "parents": true})
	if err := os.WriteFile(in("f"), []byte("hello"), 0o640); err != nil {
		t.Fatal(err)
	}
	expectCode(t, "exists", "rename", map[string]any{"path": in("f"), "to": in("b")})
	expectCode(t, "", "rename", map[string]any{"path": in("f"), "to": in("b/f")})
	expectCode(t, "noSuchFile", "rename", map[string]any{"path": in("f"), "to": in("g")})
	if err := os.Symlink("b/f", in("l")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(in("p"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, _ := ask(t, "list", map[string]any{"path": at})
	var listed entries
	if err := json.Unmarshal([]byte(text), &listed); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, each := range listed.Entries {
		seen = append(seen, each.Name+" "+each.Type+" "+each.Target)
	}
	if got := strings.Join(seen, ","); got != "a directory ,b directory ,l link b/f,p pipe " {
		t.Fatal(got)
	}
	text, _ = ask(t, "stat", map[string]any{"path": in("l"), "follow": true})
	if !strings.Contains(text, `"type":"file","sizeBytes":5,"mode":416`) {
		t.Fatal(text)
	}
	expectCode(t, "notDirectory", "list", map[string]any{"path": in("p")})
	expectCode(t, "isDirectory", "remove", map[string]any{"path": in("b")})
	expectCode(t, "notDirectory", "remove", map[string]any{"path": in("l"), "directory": true})
	expectCode(t, "", "remove", map[string]any{"path": in("l")})
	expectCode(t, "", "stat", map[string]any{"path": in("b/f")})
	expectCode(t, "", "remove", map[string]any{"path": in("b"), "recursive": true})
	expectCode(t, "noSuchFile", "stat", map[string]any{"path": in("b")})
}

func TestNoOperationOnWhatHasNoName(t *testing.T) {
	for _, path := range []string{"", "/", "//", "/tmp/..", "."} {
		expectCode(t, "badRequest", "remove", map[string]any{"path": path, "recursive": true})
	}
	expectCode(t, "badRequest", "stat", map[string]any{"path": "/a\x00b"})
	expectCode(t, "unknownOperation", "format", nil)
	expectCode(t, "badRequest", "makeTemporary", map[string]any{"prefix": "a/b"})
}

func TestTemporary(t *testing.T) {
	at := t.TempDir()
	text, code := ask(t, "makeTemporary", map[string]any{"path": at, "prefix": "x-", "suffix": ".d", "directory": true})
	found, _ := filepath.Glob(filepath.Join(at, "x-*.d"))
	if code != "" || len(found) != 1 || !strings.Contains(text, found[0]) {
		t.Fatal(text, code, found)
	}
}

func TestProcesses(t *testing.T) {
	text, _ := ask(t, "processes", nil)
	var listed processes
	if err := json.Unmarshal([]byte(text), &listed); err != nil {
		t.Fatal(err)
	}
	for _, each := range listed.Processes {
		if each.PID == os.Getpid() {
			if each.UID != uint32(os.Getuid()) || each.Started < 1e12 || !strings.Contains(each.Command, "operate.test") {
				t.Fatalf("%+v", each)
			}
			return
		}
	}
	t.Fatal("this process is not listed")
}

func TestAProcessCanHaveAnyName(t *testing.T) {
	line := "7 (a) R (b c) S 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 900 1000 25 18446744073709551615"
	got, ok := parseStat(line, 1000)
	if !ok || got.Name != "a) R (b c" || got.Parent != 3 || got.State != "S" || got.CPU != 110 || got.Started != 10_000 {
		t.Fatalf("%+v", got)
	}
	if _, ok := parseStat("7 (a) S 1", 0); ok {
		t.Fatal("a line that is cut off is read")
	}
}

func TestKill(t *testing.T) {
	expectCode(t, "badRequest", "kill", map[string]any{"pid": -1, "signal": 9})
	expectCode(t, "badRequest", "kill", map[string]any{"pid": 1, "signal": 0})
	expectCode(t, "noSuchProcess", "kill", map[string]any{"pid": 1 << 29, "signal": 15})
}

func TestVariables(t *testing.T) {
	expectCode(t, "", "setEnvironment", map[string]any{"name": "KAME_TEST", "value": "a b"})
	if text, _ := ask(t, "environment", nil); !strings.Contains(text, `"KAME_TEST":"a b"`) {
		t.Fatal(text)
	}
	expectCode(t, "", "setEnvironment", map[string]any{"name": "KAME_TEST"})
	if text, _ := ask(t, "environment", nil); strings.Contains(text, "KAME_TEST") {
		t.Fatal(text)
	}
	expectCode(t, "badRequest", "setEnvironment", map[string]any{"name": "A=B", "value": ""})
	expectCode(t, "badRequest", "setEnvironment", map[string]any{"name": "A", "value": strings.Repeat("x", 40_000)})
}
