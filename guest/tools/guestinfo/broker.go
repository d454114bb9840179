// Package guestinfo lets programs of the guest read and write the variables guestinfo.* of their machine, which the host has.
package guestinfo

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"time"

	"kame-tools/session"
)

const (
	// Variables can have secrets: only root may connect.
	socket = "/run/kame-tools-guestinfo"
	// The longest value of a .vmx, whose every byte is escaped, and what is around it.
	maxLine = 2 << 20
	// Programs that ask at the same time; others wait.
	maxClients = 16
	// How long the host may take, and how long it is waited for while the guest boots.
	patience = 10 * time.Second
)

// Broker passes requests of programs on to the host, one after the other, over the stream that the host has opened for them.
type Broker struct {
	requests chan question
}

// question is a request as a line, and where its answer is wanted.
type question struct {
	line   []byte
	answer chan []byte
}

// NewBroker makes a broker without a host.
func NewBroker() *Broker { return &Broker{requests: make(chan question)} }

// Service serves the host until it closes the stream. Each request is a line, and so is the answer to it.
func (b *Broker) Service(_ []byte, exchange session.Exchange) error {
	answers := bufio.NewScanner(exchange)
	answers.Buffer(nil, maxLine)
	for {
		select {
		case asked := <-b.requests:
			if _, err := exchange.Write(asked.line); err != nil {
				return err
			}
			if !answers.Scan() {
				return answers.Err()
			}
			asked.answer <- append([]byte(nil), answers.Bytes()...)
		case <-exchange.Closed():
			return nil
		}
	}
}

// ask is what the host answers to a request.
func (b *Broker) ask(asked request) reply {
	line, err := json.Marshal(asked)
	if err != nil {
		return failed(err.Error())
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	// With room for an answer that nobody waits for any more.
	made := question{append(line, '\n'), make(chan []byte, 1)}
	select {
	case b.requests <- made:
	case <-limit.C:
		return failed("the host does not ask for requests: its Kame is too old, or not running")
	}
	select {
	case line := <-made.answer:
		var told reply
		if err := json.Unmarshal(line, &told); err != nil {
			return failed("the host does not keep to the protocol")
		}
		return told
	case <-limit.C:
		return failed("the host does not answer")
	}
}

// Serve takes requests of programs of the guest for as long as kame-tools run.
func (b *Broker) Serve() error {
	// That of a predecessor that was killed.
	_ = os.Remove(socket)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return err
	}
	places := make(chan struct{}, maxClients)
	for {
		places <- struct{}{}
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			b.serve(client)
			<-places
		}()
	}
}

// serve does one request.
func (b *Broker) serve(client net.Conn) {
	defer client.Close()
	_ = client.SetDeadline(time.Now().Add(2 * patience))
	lines := bufio.NewScanner(client)
	lines.Buffer(nil, maxLine)
	if !lines.Scan() {
		return
	}
	var asked request
	told := failed("that is no request")
	if json.Unmarshal(lines.Bytes(), &asked) == nil {
		told = b.ask(asked)
	}
	_ = json.NewEncoder(client).Encode(told)
}
