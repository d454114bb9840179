package drop

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type exchange struct {
	io.Reader
	bytes.Buffer
}

func (e *exchange) Read(into []byte) (int, error) { return e.Reader.Read(into) }
func (e *exchange) Closed() <-chan struct{}       { return nil }

// drops has a file dropped, and returns its path.
func drops(name string, content string, size int) (string, error) {
	request, _ := json.Marshal(map[string]any{"name": name, "size": size})
	made := &exchange{Reader: strings.NewReader(content)}
	if err := Service(request, made); err != nil {
		return "", err
	}
	var reply struct{ Result struct{ Path string } }
	err := json.Unmarshal(made.Bytes(), &reply)
	return reply.Result.Path, err
}

func home(t *testing.T) string {
	t.Helper()
	made := t.TempDir()
	t.Setenv("HOME", made)
	t.Setenv("XDG_CONFIG_HOME", "")
	return made
}

func names(t *testing.T, directory string) string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return strings.Join(found, " | ")
}

func TestAFileNeverTakesThePlaceOfAnother(t *testing.T) {
	made := home(t)
	_ = os.Symlink("/etc/passwd", filepath.Join(made, "b"))
	for _, want := range []string{"a.tar.gz", "a.tar (1).gz", "a.tar (2).gz"} {
		if path, err := drops("a.tar.gz", "content", 7); err != nil || path != filepath.Join(made, want) {
			t.Fatal(path, err)
		}
	}
	if path, err := drops("b", "content", 7); err != nil || path != filepath.Join(made, "b (1)") {
		t.Fatal(path, err)
	}
	if found := names(t, made); found != "a.tar (1).gz | a.tar (2).gz | a.tar.gz | b | b (1)" {
		t.Fatal(found)
	}
	if text, err := os.ReadFile(filepath.Join(made, "a.tar.gz")); err != nil || string(text) != "content" {
		t.Fatal(text, err)
	}
}

func TestAFileThatIsNotCompleteIsNotThere(t *testing.T) {
	made := home(t)
	if _, err := drops("a", "short", 7); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", ".profile", "a/b", "../a", "a\nb", "a\x00", "\u202egnp.exe", strings.Repeat("x", 201)} {
		if path, err := drops(name, "x", 1); err == nil {
			t.Fatalf("%q became %s", name, path)
		}
	}
	if _, err := drops("a", "x", -1); err == nil {
		t.Fatal("a size below zero")
	}
	if found := names(t, made); found != "" {
		t.Fatal(found)
	}
}

func TestWhereFilesGo(t *testing.T) {
	made := home(t)
	if got := Directory(); got != made {
		t.Fatal(got)
	}
	for _, name := range []string{"Desktop", "Downloads", "Herunter geladen", ".config"} {
		if err := os.Mkdir(filepath.Join(made, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got := Directory(); got != filepath.Join(made, "Downloads") {
		t.Fatal(got)
	}
	config := "# comment\nXDG_DESKTOP_DIR=\"$HOME/Desktop\"\nXDG_DOWNLOAD_DIR=\"$HOME/Herunter geladen\"\n"
	if err := os.WriteFile(filepath.Join(made, ".config/user-dirs.dirs"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Directory(); got != filepath.Join(made, "Herunter geladen") {
		t.Fatal(got)
	}
}
