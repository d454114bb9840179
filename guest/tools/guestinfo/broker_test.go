package guestinfo

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// pipeExchange is a stream of a host that a test plays.
type pipeExchange struct {
	io.Reader
	io.Writer
	closed chan struct{}
}

func (p *pipeExchange) Closed() <-chan struct{} { return p.closed }

// serve makes a broker with a host that answers each request like that.
func serve(t *testing.T, answer func(request) string) *Broker {
	t.Helper()
	fromGuest, guest := io.Pipe()
	toGuest, host := io.Pipe()
	broker := NewBroker()
	exchange := &pipeExchange{toGuest, guest, make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- broker.Service(nil, exchange) }()
	go func() {
		lines := bufio.NewScanner(fromGuest)
		for lines.Scan() {
			var asked request
			if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(host, answer(asked)+"\n")
		}
	}()
	t.Cleanup(func() {
		close(exchange.closed)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return broker
}

func TestRequestsGoToTheHost(t *testing.T) {
	var seen []request
	broker := serve(t, func(asked request) string {
		seen = append(seen, asked)
		switch asked.Key {
		case "guestinfo.ovfEnv":
			return `{"value":"<a>\n</a>"}`
		case "guestinfo.none":
			return `{}`
		}
		return `{"failed":"no"}`
	})
	if told := broker.ask(request{Operation: "get", Key: "guestinfo.ovfEnv"}); told.Value == nil || *told.Value != "<a>\n</a>" {
		t.Fatal(told)
	}
	if told := broker.ask(request{Operation: "get", Key: "guestinfo.none"}); told.Value != nil || told.Failed != "" {
		t.Fatal(told)
	}
	if told := broker.ask(request{Operation: "set", Key: "x", Value: "y"}); told.Failed != "no" {
		t.Fatal(told)
	}
	if len(seen) != 3 || seen[2] != (request{"set", "x", "y"}) {
		t.Fatal(seen)
	}
}

func TestAHostThatSendsNonsense(t *testing.T) {
	broker := serve(t, func(request) string { return "{" })
	if told := broker.ask(request{Operation: "get", Key: "guestinfo.a"}); !strings.Contains(told.Failed, "protocol") {
		t.Fatal(told)
	}
}

func TestCommandLines(t *testing.T) {
	good := map[string]request{
		"get role":              {Operation: "get", Key: "guestinfo.role"},
		"get GuestInfo.role":    {Operation: "get", Key: "GuestInfo.role"},
		"set guestinfo.role ab": {Operation: "set", Key: "guestinfo.role", Value: "ab"},
	}
	for line, want := range good {
		if got, err := fromWords(strings.Split(line, " ")); err != nil || got != want {
			t.Fatal(line, got, err)
		}
	}
	rpc := map[string]request{
		"info-get guestinfo.role":         {Operation: "get", Key: "guestinfo.role"},
		"info-set guestinfo.role a b=\"c": {Operation: "set", Key: "guestinfo.role", Value: "a b=\"c"},
		"info-set guestinfo.role":         {Operation: "set", Key: "guestinfo.role"},
	}
	for line, want := range rpc {
		if got, err := fromLine([]string{line}); err != nil || got != want {
			t.Fatal(line, got, err)
		}
	}
	for _, line := range []string{"", "info-get", "info-get a b", "machine.id.get", "info-set "} {
		if got, err := fromLine([]string{line}); err == nil {
			t.Fatal(line, got)
		}
	}
	if known, _ := Command([]string{"--session"}, io.Discard); known {
		t.Fatal("--session is no command of this package")
	}
}
