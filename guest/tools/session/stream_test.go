package session

import (
	"strings"
	"testing"
	"time"

	"kame-tools/wire"
)

func TestExec(t *testing.T) {
	h := serve(t)
	h.exec(1, false, "sh", "-c", "echo out; echo err >&2; exit 3")
	stdout, stderr, end := h.finish(1)
	if stdout != "out\n" || stderr != "err\n" || end != `{"exitCode":3,"signal":null}` {
		t.Fatalf("%q %q %s", stdout, stderr, end)
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
	request := `{"service":"exec","command":["sh","-c","stty size; read x; stty size; echo ready; exec sleep 1000"],"stdin":true,` +
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
	// A shell that gets Ctrl-C while a program of its own ends goes on.
	until("ready")
	h.send(wire.Data, 1, []byte{wire.Stdin, 3})
	if _, _, end := h.finish(1); !strings.Contains(end, `2`) && !strings.Contains(end, "130") {
		t.Fatal(end)
	}
}
