package session

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"kame-tools/wire"
)

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
