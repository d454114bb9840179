package session

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"kame-tools/wire"
)

// host is the other side of a port.
type host struct {
	t      *testing.T
	nonce  wire.Nonce
	to     *os.File
	reader *wire.Reader
}

// testPort joins two pipes.
type testPort struct {
	in, out *os.File
}

func (p *testPort) Read(into []byte) (int, error)  { return p.in.Read(into) }
func (p *testPort) Write(from []byte) (int, error) { return p.out.Write(from) }
func (p *testPort) Interrupt()                     { _ = p.out.SetWriteDeadline(time.Unix(1, 0)) }
func (p *testPort) Continue()                      { _ = p.out.SetWriteDeadline(time.Time{}) }

func serve(t *testing.T) *host {
	t.Helper()
	in, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	info := func() Info { return Info{Version: wire.Version, Program: "test"} }
	go func() { _ = Serve(&testPort{in, out}, info) }()
	t.Cleanup(func() { _ = to.Close(); _ = from.Close() })
	made := &host{t: t, to: to, reader: wire.NewReader(from)}
	made.connect(wire.Nonce{1})
	return made
}

// connect begins a connection, as a new daemon does.
func (h *host) connect(nonce wire.Nonce) {
	h.t.Helper()
	h.nonce = nonce
	h.write(wire.AppendPreamble(make([]byte, wire.MaxFrame), nonce))
	for {
		event, err := h.reader.Next()
		if err != nil {
			h.t.Fatal(err)
		}
		if event.Kind == wire.Opened && event.Nonce == nonce {
			break
		}
	}
	if hello := h.next(); hello.Type != wire.Hello {
		h.t.Fatalf("no hello but %v", hello)
	}
}

func (h *host) write(data []byte) {
	h.t.Helper()
	if _, err := h.to.Write(data); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) send(kind wire.Type, stream uint32, payload []byte) {
	h.t.Helper()
	data, err := wire.AppendFrame(nil, h.nonce, kind, stream, payload)
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(data)
}

func (h *host) next() wire.Frame {
	h.t.Helper()
	event, err := h.reader.Next()
	if err != nil || event.Kind != wire.Message {
		h.t.Fatalf("no frame but %v, %v", event, err)
	}
	event.Frame.Payload = append([]byte(nil), event.Frame.Payload...)
	return event.Frame
}

func (h *host) exec(stream uint32, stdin bool, words ...string) {
	h.t.Helper()
	text, err := json.Marshal(map[string]any{"service": "exec", "command": words, "stdin": stdin})
	if err != nil {
		h.t.Fatal(err)
	}
	h.send(wire.Request, stream, text)
}

func credit(channel byte, count int) []byte {
	payload := []byte{channel, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(payload[1:], uint32(count))
	return payload
}

// finish reads the output of a stream, grants more of it, and returns how it ended.
func (h *host) finish(stream uint32) (stdout string, stderr string, end string) {
	h.t.Helper()
	var texts [wire.Channels]bytes.Buffer
	for {
		frame := h.next()
		if frame.Stream != stream {
			h.t.Fatalf("a frame of stream %d", frame.Stream)
		}
		switch frame.Type {
		case wire.Data:
			texts[frame.Payload[0]].Write(frame.Payload[1:])
			h.send(wire.Credit, stream, credit(frame.Payload[0], len(frame.Payload)-1))
		case wire.Done, wire.Failed:
			return texts[wire.Stdout].String(), texts[wire.Stderr].String(), string(frame.Payload)
		}
	}
}

func TestExec(t *testing.T) {
	h := serve(t)
	h.exec(1, false, "sh", "-c", "echo out; echo err >&2; exit 3")
	stdout, stderr, end := h.finish(1)
	if stdout != "out\n" || stderr != "err\n" || end != `{"exitCode":3,"signal":null}` {
		t.Fatalf("%q %q %s", stdout, stderr, end)
	}
}

func TestInputOfAnyLengthWithinItsWindow(t *testing.T) {
	h := serve(t)
	h.exec(1, true, "wc", "-c")
	room, left := wire.Window, 3*wire.Window
	for left > 0 {
		for room > 0 && left > 0 {
			size := 10_000
			if size > room {
				size = room
			}
			if size > left {
				size = left
			}
			h.send(wire.Data, 1, append([]byte{wire.Stdin}, make([]byte, size)...))
			room -= size
			left -= size
		}
		if frame := h.next(); frame.Type == wire.Credit {
			room += int(binary.BigEndian.Uint32(frame.Payload[1:]))
		}
	}
	h.send(wire.End, 1, []byte{wire.Stdin})
	stdout, _, _ := h.finish(1)
	if strings.TrimSpace(stdout) != fmt.Sprint(3*wire.Window) {
		t.Fatalf("counted %q", stdout)
	}
}

func TestOutputWaitsForRoom(t *testing.T) {
	h := serve(t)
	h.exec(1, false, "head", "-c", "1000000", "/dev/zero")
	got := 0
	for got < wire.Window {
		if frame := h.next(); frame.Type == wire.Data {
			got += len(frame.Payload) - 1
		}
	}
	if got != wire.Window {
		t.Fatalf("%d bytes came without room", got)
	}
	// Another command is served meanwhile.
	h.exec(2, false, "echo", "beside")
	if stdout, _, _ := h.finish(2); stdout != "beside\n" {
		t.Fatalf("%q", stdout)
	}
	h.send(wire.Credit, 1, credit(wire.Stdout, got))
	stdout, _, _ := h.finish(1)
	if got+len(stdout) != 1000000 {
		t.Fatalf("%d bytes came", got+len(stdout))
	}
}

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

func TestRefusals(t *testing.T) {
	h := serve(t)
	for stream, request := range []string{"[", `{"service":"fly"}`, `{"service":"exec","command":["true"],"user":"nobody at all"}`,
		`{"service":"exec","command":["true"],"cwd":"/not there"}`} {
		h.send(wire.Request, uint32(stream), []byte(request))
		if frame := h.next(); frame.Type != wire.Failed {
			t.Fatalf("%s was answered by %v", request, frame)
		}
	}
	h.exec(9, false, "not there at all")
	if _, stderr, end := h.finish(9); !strings.Contains(stderr, "not found") || !strings.Contains(end, "127") {
		t.Fatalf("%q %s", stderr, end)
	}
}

func TestSignalReachesTheGroup(t *testing.T) {
	h := serve(t)
	h.exec(1, false, "sh", "-c", "sleep 1000 & echo ready; wait")
	for frame := h.next(); frame.Type != wire.Data; frame = h.next() {
	}
	h.send(wire.Signal, 1, []byte{15})
	if _, _, end := h.finish(1); end != `{"exitCode":null,"signal":15}` {
		t.Fatal(end)
	}
}

func TestALeftProgramDoesNotHoldTheStream(t *testing.T) {
	h := serve(t)
	h.exec(1, false, "sh", "-c", "sleep 5 & echo done")
	begun := time.Now()
	if stdout, _, end := h.finish(1); stdout != "done\n" || end != `{"exitCode":0,"signal":null}` {
		t.Fatalf("%q %s", stdout, end)
	}
	if time.Since(begun) > 4*time.Second {
		t.Fatal("it waited for the program in the background")
	}
}

func TestTerminal(t *testing.T) {
	h := serve(t)
	request := `{"service":"exec","command":["sh","-c","stty size; read x; stty size; sleep 1000"],"stdin":true,` +
		`"terminal":{"rows":33,"columns":101,"type":"xterm"}}`
	h.send(wire.Request, 1, []byte(request))
	seen := ""
	until := func(text string) {
		for !strings.Contains(seen, text) {
			if frame := h.next(); frame.Type == wire.Data {
				seen += string(frame.Payload[1:])
			}
		}
	}
	until("33 101")
	h.send(wire.Resize, 1, []byte{0, 40, 0, 120})
	h.send(wire.Data, 1, append([]byte{wire.Stdin}, "\n"...))
	until("40 120")
	h.send(wire.Data, 1, []byte{wire.Stdin, 3})
	// The shell ends by the signal of Ctrl-C.
	if _, _, end := h.finish(1); !strings.Contains(end, `2`) && !strings.Contains(end, "130") {
		t.Fatal(end)
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
