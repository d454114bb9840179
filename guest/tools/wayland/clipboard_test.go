package wayland

import (
	"bytes"
	"io"
	"reflect"
	"testing"
	"time"

	"kame-tools/clipboard"
)

func connected(t *testing.T) *Connection {
	t.Helper()
	connection, err := Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	return connection
}

// watched is a clipboard whose changes are counted in a channel.
func watched(t *testing.T, globals ...string) (*compositor, *Clipboard, chan struct{}) {
	t.Helper()
	server := compose(t, globals...)
	changes := make(chan struct{}, 100)
	made, err := NewClipboard(connected(t), func() { changes <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	return server, made, changes
}

// until waits for a change after which the types are these.
func until(t *testing.T, c *Clipboard, changes chan struct{}, want []string, wantOurs bool) {
	t.Helper()
	for {
		types, ours := c.Types()
		if reflect.DeepEqual(types, want) && ours == wantOurs {
			return
		}
		select {
		case <-changes:
		case <-time.After(10 * time.Second):
			t.Fatalf("the types are %v, ours: %v", types, ours)
		}
	}
}

func TestOfferAndPaste(t *testing.T) {
	for _, protocol := range dataControls {
		server, board, changes := watched(t, "wl_seat", protocol)
		if board.Protocol() != protocol {
			t.Fatal(board.Protocol())
		}
		large := bytes.Repeat([]byte("0123456789"), 300_000)
		err := board.Offer([]clipboard.Content{
			{Types: []string{"text/plain", "UTF8_STRING"}, Data: []byte("hello")}, {Types: []string{"image/png"}, Data: large},
		})
		if err != nil {
			t.Fatal(err)
		}
		until(t, board, changes, nil, true)
		for name, want := range map[string][]byte{"UTF8_STRING": []byte("hello"), "image/png": large, "text/none": {}} {
			if got, err := io.ReadAll(server.paste(name)); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		// One that goes away before it has read all does no harm.
		_ = server.paste("image/png").Close()
		server.copy(nil, "text/html")
		until(t, board, changes, []string{"text/html"}, false)
		// And again, over what another program has.
		if err := board.Offer([]clipboard.Content{{Types: []string{"text/plain"}, Data: []byte("again")}}); err != nil {
			t.Fatal(err)
		}
		until(t, board, changes, nil, true)
	}
}

func TestALatePasteGetsNothing(t *testing.T) {
	server, board, changes := watched(t, "wl_seat", dataControls[0])
	offer := func(text string) {
		if err := board.Offer([]clipboard.Content{{Types: []string{"text/plain"}, Data: []byte(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	server.lock.Lock()
	server.keepsIDs = true
	server.lock.Unlock()
	offer("old")
	server.lock.Lock()
	old := server.source
	server.lock.Unlock()
	offer("new")
	until(t, board, changes, nil, true)
	late := server.pasteOf(old, "text/plain")
	if got, err := io.ReadAll(server.paste("text/plain")); err != nil || string(got) != "new" {
		t.Fatalf("%q %v", got, err)
	}
	if got, err := io.ReadAll(late); err != nil || len(got) > 0 {
		t.Fatalf("%q %v", got, err)
	}
}

func TestReceive(t *testing.T) {
	server, board, changes := watched(t, "wl_seat", dataControls[0])
	if _, err := board.Receive("text/plain"); err == nil {
		t.Fatal("there was something on an empty clipboard")
	}
	server.copy(map[string]string{"text/html": "<b>"}, "text/html", "text/plain")
	until(t, board, changes, []string{"text/html", "text/plain"}, false)
	content, err := board.Receive("text/html")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(content); err != nil || string(text) != "<b>" {
		t.Fatalf("%q %v", text, err)
	}
	server.copy(nil)
	until(t, board, changes, nil, false)
}

func TestManyCopiesLeaveNothing(t *testing.T) {
	server, board, changes := watched(t, "wl_seat", dataControls[0])
	for count := 0; count < 50; count++ {
		server.copy(nil, "text/plain")
		select {
		case <-changes:
		case <-time.After(10 * time.Second):
			t.Fatal("no change")
		}
	}
	if err := board.connection.Sync(); err != nil {
		t.Fatal(err)
	}
	board.connection.lock.Lock()
	defer board.connection.lock.Unlock()
	if len(board.offers) != 1 || len(board.connection.objects) > 10 {
		t.Fatalf("%d offers, %d objects", len(board.offers), len(board.connection.objects))
	}
}

func TestWithoutTheProtocol(t *testing.T) {
	compose(t, "wl_seat")
	connection := connected(t)
	if _, err := NewClipboard(connection, func() {}); err == nil {
		t.Fatal("a clipboard without a protocol for it")
	}
	if _, err := NewOutputs(connection); err == nil {
		t.Fatal("outputs without a protocol for them")
	}
}

func TestMalformedEventsEndTheConnection(t *testing.T) {
	for name, event := range map[string][]byte{
		"too short":       {1, 0, 0, 0, 0, 0, 4, 0},
		"without content": {2, 0, 0, 0, 0, 0, 8, 0},
		"a text too long": {2, 0, 0, 0, 0, 0, 20, 0, 9, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0},
		"a text unended":  {2, 0, 0, 0, 0, 0, 24, 0, 9, 0, 0, 0, 4, 0, 0, 0, 'a', 'b', 'c', 'd', 1, 0, 0, 0},
		"an error":        {1, 0, 0, 0, 0, 0, 24, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 'a', 0, 0, 0},
	} {
		server := compose(t)
		connection := connected(t)
		server.lock.Lock()
		server.raw(event, -1)
		server.lock.Unlock()
		select {
		case <-connection.Ended():
		case <-time.After(10 * time.Second):
			t.Fatalf("an event that is %s was taken", name)
		}
		if err := connection.Sync(); err == nil {
			t.Fatal("no error after the end")
		}
	}
}
