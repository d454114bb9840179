package session

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
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
	return serveThese(t, System)
}

func serveThese(t *testing.T, services Services) *host {
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
	go func() { _ = Serve(&testPort{in, out}, info, services) }()
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
