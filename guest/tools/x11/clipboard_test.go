package x11

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"kame-tools/clipboard"
)

func opened(t *testing.T, s *server) (*Clipboard, chan struct{}) {
	t.Helper()
	changes := make(chan struct{}, 100)
	made, err := newClipboard(s.join(t), func() { changes <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	return made, changes
}

func until(t *testing.T, changes chan struct{}, condition func() bool) {
	t.Helper()
	for !condition() {
		select {
		case <-changes:
		case <-time.After(10 * time.Second):
			t.Fatal("what was waited for did not come")
		}
	}
}

func has(c *Clipboard, name string) func() bool {
	return func() bool {
		types, _ := c.Types()
		return strings.Contains(strings.Join(types, " "), name)
	}
}

func received(t *testing.T, c *Clipboard, name string) ([]byte, error) {
	t.Helper()
	content, err := c.Receive(name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}

func TestTwoProgramsShareTheClipboard(t *testing.T) {
	s := newServer()
	one, oneChanges := opened(t, s)
	other, otherChanges := opened(t, s)
	// More than one property can have, so that it goes in pieces.
	large := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	err := one.Offer([]clipboard.Content{
		{Types: []string{"text/html"}, Data: []byte("<b>é</b>")}, {Types: []string{"image/png"}, Data: large},
		{Types: []string{"TEXT", clipboard.Latin1}, Data: []byte{'a', 0xe9}},
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, otherChanges, has(other, "image/png"))
	if types, _ := other.Types(); !reflect.DeepEqual(types[:3], []string{"TARGETS", "TIMESTAMP", "MULTIPLE"}) {
		t.Fatal(types)
	}
	for name, want := range map[string][]byte{
		"text/html": []byte("<b>é</b>"), "image/png": large, clipboard.Latin1: []byte("aé"), "TEXT": {'a', 0xe9},
	} {
		if got, err := received(t, other, name); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := received(t, other, "text/none"); err == nil {
		t.Fatal("content of a type that is not there")
	}
	if _, ours := one.Types(); !ours {
		t.Fatal("what was offered is not ours")
	}
	if err := other.Offer([]clipboard.Content{{Types: []string{"UTF8_STRING"}, Data: []byte("mine")}}); err != nil {
		t.Fatal(err)
	}
	until(t, oneChanges, has(one, "UTF8_STRING"))
	if _, ours := one.Types(); ours {
		t.Fatal("what another program has offered is ours")
	}
	if got, err := received(t, one, "UTF8_STRING"); err != nil || string(got) != "mine" {
		t.Fatalf("%q %v", got, err)
	}
	// The owner ends, and nothing is on the clipboard.
	other.connection.close()
	until(t, oneChanges, func() bool { types, _ := one.Types(); return len(types) == 0 })
}

func TestSeveralAtOnce(t *testing.T) {
	s := newServer()
	owner, _ := opened(t, s)
	if err := owner.Offer([]clipboard.Content{{Types: []string{"text/html"}, Data: []byte("<i>")}}); err != nil {
		t.Fatal(err)
	}
	asker, _ := opened(t, s)
	asker.receiving.Lock()
	defer asker.receiving.Unlock()
	where, _ := asker.connection.atomOf("PLACE")
	html, _ := asker.connection.atomOf("text/html")
	none, _ := asker.connection.atomOf("text/none")
	pairs := words([]atom{html, html, none, none})
	asker.connection.setProperty(asker.window, where, asker.known["ATOM_PAIR"], 32, pairs)
	asker.connection.send(convertSelection, 0,
		[]uint32{uint32(asker.window), uint32(asker.known["CLIPBOARD"]), uint32(asker.known["MULTIPLE"]), uint32(where), 0}, nil)
	if _, err := asker.await(asker.notified); err != nil {
		t.Fatal(err)
	}
	found, err := asker.connection.readProperty(asker.window, where, 0, false)
	if err != nil || !bytes.Equal(found.data, words([]atom{html, html, none, noAtom})) {
		t.Fatalf("%v %v", found.data, err)
	}
	if found, err := asker.connection.readProperty(asker.window, html, 0, false); err != nil || string(found.data) != "<i>" {
		t.Fatalf("%q %v", found.data, err)
	}
}

func TestReadingThatIsGivenUp(t *testing.T) {
	s := newServer()
	owner, _ := opened(t, s)
	large := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
	if err := owner.Offer([]clipboard.Content{{Types: []string{"image/png", "text/html"}, Data: large}}); err != nil {
		t.Fatal(err)
	}
	reader, changes := opened(t, s)
	until(t, changes, has(reader, "image/png"))
	content, err := reader.Receive("image/png")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(content, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	_ = content.Close()
	// The next one does not get the rest of it.
	if got, err := received(t, reader, "text/html"); err != nil || !bytes.Equal(got, large) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

func TestMalformedRepliesEndTheConnection(t *testing.T) {
	for name, message := range map[string][]byte{
		"a reply too long": append([]byte{1, 0, 1, 0, 0xff, 0xff, 0xff, 0x7f}, make([]byte, 24)...),
		"half an event":    {28, 0, 0, 0},
	} {
		s := newServer()
		connection := s.join(t)
		s.lock.Lock()
		_, _ = s.clients[0].socket.Write(message)
		_ = s.clients[0].socket.Close()
		s.lock.Unlock()
		select {
		case <-connection.ended:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s was taken", name)
		}
		if _, err := connection.atomOf("ANY"); err == nil {
			t.Fatal("no error after the end")
		}
	}
}

func TestTheCookieOfADisplay(t *testing.T) {
	entry := func(family byte, number string, name string, cookie string) []byte {
		made := []byte{family, 0}
		for _, each := range []string{"host", number, name, cookie} {
			made = append(append(made, 0, byte(len(each))), each...)
		}
		return made
	}
	text := append(entry(0, "0", cookieName, "of the internet"), entry(1, "1", cookieName, "of another")...)
	text = append(append(text, entry(1, "0", "SUN-DES-1", "another way")...), entry(1, "0", cookieName, "right")...)
	if got := string(findCookie(text, 0)); got != "right" {
		t.Fatal(got)
	}
	for cut := range text {
		if got := findCookie(text[:cut], 0); got != nil {
			t.Fatalf("%q of half a file", got)
		}
	}
}
