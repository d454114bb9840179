package session

import (
	"io"
	"strings"
	"testing"

	"kame-tools/wire"
)

func TestServiceOfThisProcess(t *testing.T) {
	echo := func(request []byte, exchange Exchange) error {
		if strings.Contains(string(request), "refuse") {
			return &Failure{"noSuchType", "there is none"}
		}
		_, err := io.Copy(exchange, exchange)
		return err
	}
	h := serveThese(t, Services{"echo": Service(echo)})
	h.send(wire.Request, 1, []byte(`{"service":"exec","command":["true"]}`))
	if frame := h.next(); frame.Type != wire.Failed {
		t.Fatalf("a command was run: %v", frame)
	}
	h.send(wire.Request, 2, []byte(`{"service":"echo","how":"refuse"}`))
	if failed := h.next(); failed.Type != wire.Failed || !strings.Contains(string(failed.Payload), `"noSuchType"`) {
		t.Fatal(failed)
	}
	h.send(wire.Request, 3, []byte(`{"service":"echo"}`))
	text := strings.Repeat("0123456789", 2000)
	h.send(wire.Data, 3, append([]byte{wire.Stdin}, text...))
	h.send(wire.End, 3, []byte{wire.Stdin})
	var got strings.Builder
	for {
		frame := h.next()
		if frame.Type == wire.Data {
			got.Write(frame.Payload[1:])
		}
		if frame.Type == wire.Done {
			break
		}
	}
	if got.String() != text {
		t.Fatalf("%d bytes came", got.Len())
	}
}

func TestAServiceHearsOfTheEnd(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan error, 1)
	wait := func(_ []byte, exchange Exchange) error {
		close(begun)
		<-exchange.Closed()
		_, err := exchange.Read(make([]byte, 1))
		ended <- err
		return err
	}
	h := serveThese(t, Services{"wait": Service(wait)})
	h.send(wire.Request, 1, []byte(`{"service":"wait"}`))
	<-begun
	h.send(wire.Close, 1, nil)
	if err := <-ended; err != errEnded {
		t.Fatal(err)
	}
}
