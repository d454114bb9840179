package session

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"kame-tools/wire"
)

func TestRequestInParts(t *testing.T) {
	h := serve(t)
	long := strings.Repeat("x", 100_000)
	text, _ := json.Marshal(map[string]any{"service": "exec", "command": []string{"echo", long}})
	for ; len(text) > 1000; text = text[1000:] {
		h.send(wire.RequestPart, 1, text[:1000])
	}
	h.send(wire.Request, 1, text)
	if stdout, _, _ := h.finish(1); stdout != long+"\n" {
		t.Fatalf("%d bytes came", len(stdout))
	}
}

// A program whose end is seen by the end of a pipe that it holds.
func held(t *testing.T) (command string, ended func()) {
	t.Helper()
	path := t.TempDir() + "/pipe"
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return "exec 3>" + path + "; echo ready; sleep 1000", func() {
		t.Helper()
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := io.ReadAll(file); err != nil {
			t.Fatal(err)
		}
	}
}

func TestANewHostEndsWhatTheOldOneRan(t *testing.T) {
	h := serve(t)
	command, ended := held(t)
	done := make(chan struct{})
	go func() { defer close(done); ended() }()
	h.exec(1, false, "sh", "-c", command)
	for frame := h.next(); frame.Type != wire.Data; frame = h.next() {
	}
	// It has written a part of a frame.
	h.write([]byte{0, 0, 0, 20, byte(wire.Data), 0})
	h.connect(wire.Nonce{2})
	<-done
	h.exec(1, false, "echo", "new")
	if stdout, _, _ := h.finish(1); stdout != "new\n" {
		t.Fatalf("%q", stdout)
	}
}

func TestViolationsEndTheConnection(t *testing.T) {
	for name, violate := range map[string]func(h *host){
		"more input than there is room for": func(h *host) {
			// A pipe takes a part of it.
			for sent := 0; sent <= 2*wire.Window; sent += 10_000 {
				h.send(wire.Data, 1, append([]byte{wire.Stdin}, make([]byte, 10_000)...))
			}
		},
		"room that is not free":   func(h *host) { h.send(wire.Credit, 1, credit(wire.Stdout, wire.Window+1)) },
		"a frame of the guest":    func(h *host) { h.send(wire.Done, 1, nil) },
		"input without a channel": func(h *host) { h.send(wire.Data, 1, nil) },
		"a mixed request": func(h *host) {
			h.send(wire.RequestPart, 5, []byte("{"))
			h.send(wire.RequestPart, 6, []byte("{"))
		},
		"a request without end": func(h *host) {
			for sent := 0; sent <= wire.MaxRequest; sent += wire.MaxPayload {
				h.send(wire.RequestPart, 5, make([]byte, wire.MaxPayload))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := serve(t)
			command, ended := held(t)
			done := make(chan struct{})
			go func() { defer close(done); ended() }()
			h.exec(1, true, "sh", "-c", command)
			for frame := h.next(); frame.Type != wire.Data; frame = h.next() {
			}
			violate(h)
			<-done
			h.connect(wire.Nonce{2})
		})
	}
}
