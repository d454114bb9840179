package clipboard

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"kame-tools/session"
)

// board is a clipboard of one other program.
type board struct {
	types    []string
	content  io.ReadCloser
	asked    string
	offered  []Content
	ours     bool
	notifies func()
}

func (b *board) Protocol() string { return "test" }

func (b *board) Types() ([]string, bool) { return b.types, b.ours }

func (b *board) Offer(contents []Content) error {
	b.offered, b.ours = contents, true
	b.notifies()
	return nil
}

func (b *board) Receive(name string) (io.ReadCloser, error) {
	b.asked = name
	if b.content == nil {
		return nil, errors.New("nothing")
	}
	return b.content, nil
}

// exchange is a request of a host: what it sends, and what it gets.
type exchange struct {
	io.Reader
	io.Writer
	closed chan struct{}
}

func (e *exchange) Closed() <-chan struct{} { return e.closed }

func share(b *board) *Shared {
	shared := NewShared()
	b.notifies = shared.Changed
	shared.Use(b)
	return shared
}

func ask(what func([]byte, session.Exchange) error, request string, input string) (string, error) {
	var output bytes.Buffer
	err := what([]byte(request), &exchange{strings.NewReader(input), &output, make(chan struct{})})
	return output.String(), err
}

func codeOf(err error) string {
	var failure *session.Failure
	if errors.As(err, &failure) {
		return failure.Code
	}
	return ""
}

func TestWriteOffersTextUnderAllItsNames(t *testing.T) {
	b := &board{}
	shared := share(b)
	_, err := ask(shared.write, `{"contents":[{"type":"text/plain","size":3},{"type":"text/html","size":4}]}`, "abc<i>")
	if err == nil {
		t.Fatal("content that is missing was offered")
	}
	_, err = ask(shared.write, `{"contents":[{"type":"text/plain","size":3},{"type":"text/html","size":3}]}`, "abc<i>")
	want := []Content{{textTypes, []byte("abc")}, {[]string{"text/html"}, []byte("<i>")}}
	if err != nil || !reflect.DeepEqual(b.offered, want) {
		t.Fatalf("%v %v", b.offered, err)
	}
	if state := shared.state(); !reflect.DeepEqual(state, State{"host", []string{"text/plain", "text/html"}}) {
		t.Fatal(state)
	}
	if got, err := ask(shared.read, `{"type":"text/html"}`, ""); got != "<i>" || err != nil {
		t.Fatalf("%q %v", got, err)
	}
	if _, err := ask(shared.read, `{"type":"image/png"}`, ""); codeOf(err) != "noSuchType" {
		t.Fatal(err)
	}
	// Text that is not Latin 1 in both.
	_, err = ask(shared.write, `{"contents":[{"type":"text/plain","size":2}]}`, "é")
	if err != nil || indexOf(b.offered[0].Types, Latin1) >= 0 {
		t.Fatalf("%v %v", b.offered, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	shared := share(&board{})
	for request, want := range map[string]string{
		`[`: "badRequest", `{}`: "badRequest", `{"contents":[{"type":"text","size":1}]}`: "badRequest",
		`{"contents":[{"type":"text/html","size":-1}]}`:                                               "badRequest",
		`{"contents":[{"type":"a/b","size":67108865}]}`:                                               "badRequest",
		`{"contents":[{"type":"a/b","size":67108864},{"type":"a/c","size":1}]}`:                       "tooLarge",
		`{"contents":[` + strings.Repeat(`{"type":"a/b","size":0},`, 8) + `{"type":"a/b","size":0}]}`: "badRequest",
		`{"contents":[{"type":"a/` + strings.Repeat("b", 200) + `","size":1}]}`:                       "badRequest",
	} {
		if _, err := ask(shared.write, request, ""); codeOf(err) != want {
			t.Fatalf("%s: %v", request, err)
		}
	}
}

func TestReadAsksForTheBestNameOfText(t *testing.T) {
	b := &board{types: []string{"TARGETS", "STRING", "text/plain;charset=UTF-8", "text/plain", "text/html", "text/html"}}
	shared := share(b)
	if state := shared.state(); !reflect.DeepEqual(state, State{"guest", []string{"text/plain", "text/html"}}) {
		t.Fatal(state)
	}
	b.content = io.NopCloser(strings.NewReader("text"))
	if got, err := ask(shared.read, `{"type":"text/plain"}`, ""); got != "text" || err != nil || b.asked != "text/plain;charset=UTF-8" {
		t.Fatalf("%q %v %s", got, err, b.asked)
	}
	for _, request := range []string{`{"type":"TARGETS"}`, `{"type":"STRING"}`} {
		b.asked = ""
		if _, err := ask(shared.read, request, ""); err != nil && codeOf(err) != "noSuchType" {
			t.Fatal(err)
		}
	}
	b.types = nil
	if state := shared.state(); state.Owner != "none" {
		t.Fatal(state)
	}
}

func TestReadEndsWhenTheHostGivesUp(t *testing.T) {
	never, _ := io.Pipe()
	shared := share(&board{types: []string{"text/html"}, content: never})
	asked := &exchange{strings.NewReader(""), io.Discard, make(chan struct{})}
	close(asked.closed)
	ended := make(chan error, 1)
	go func() { ended <- shared.read([]byte(`{"type":"text/html"}`), asked) }()
	select {
	case err := <-ended:
		if err == nil {
			t.Fatal("no error")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for a program that never writes")
	}
}

func TestWatchTellsOfChanges(t *testing.T) {
	b := &board{}
	shared := share(b)
	reader, writer := io.Pipe()
	asked := &exchange{strings.NewReader(""), writer, make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- shared.watch(nil, asked) }()
	line := func() string {
		buffer := make([]byte, 1000)
		count, err := reader.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:count])
	}
	if got := line(); got != `{"owner":"none","types":[]}`+"\n" {
		t.Fatal(got)
	}
	if _, err := ask(shared.write, `{"contents":[{"type":"text/html","size":0}]}`, ""); err != nil {
		t.Fatal(err)
	}
	if got := line(); got != `{"owner":"host","types":["text/html"]}`+"\n" {
		t.Fatal(got)
	}
	close(asked.closed)
	if err := <-ended; err != nil || len(shared.watchers) != 0 {
		t.Fatal(err)
	}
}
