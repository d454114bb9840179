package session

import (
	"encoding/binary"
	"encoding/json"
	"sync"

	"kame-tools/process"
	"kame-tools/wire"
)

// failure is why a request was refused.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// result is how a program has ended; one of the two is there. Of one that nobody waits for it is the number instead.
type result struct {
	ExitCode *int `json:"exitCode"`
	Signal   *int `json:"signal"`
	PID      *int `json:"pid,omitempty"`
}

// stream is a request and what belongs to it. Its methods that send wait for the host.
type stream struct {
	id         uint32
	connection *connection
	program    *process.Process

	state  sync.Mutex
	change *sync.Cond
	closed bool
	over   chan struct{}
	// Input that a service has taken and not read.
	unread []byte
	// Bytes that may be sent, by channel.
	room [wire.Channels]int
	// Standard input that the program has not taken.
	input      []byte
	inputEnded bool
	// Bytes of standard input that the host may still send.
	inputRoom int
}

func newStream(id uint32, connection *connection) *stream {
	s := &stream{id: id, connection: connection, inputRoom: wire.Window, over: make(chan struct{})}
	s.change = sync.NewCond(&s.state)
	s.room[wire.Stdout], s.room[wire.Stderr] = wire.Window, wire.Window
	return s
}

// open begins what a request asks for.
func (c *connection) open(id uint32, text []byte) error {
	var asked struct {
		Service string `json:"service"`
	}
	if err := json.Unmarshal(text, &asked); err != nil {
		return c.refuse(id, "badRequest", err.Error())
	}
	if asked.Service == "info" {
		answer, err := json.Marshal(c.info())
		if err != nil {
			return err
		}
		return c.send(wire.Done, id, answer)
	}
	if opener := c.services[asked.Service]; opener != nil {
		return opener(c, id, text)
	}
	return c.refuse(id, "unknownService", "kame-tools has no service "+asked.Service)
}

func (c *connection) refuse(id uint32, code string, message string) error {
	const longest = 4096
	if len(message) > longest {
		message = message[:longest]
	}
	text, err := json.Marshal(failure{code, message})
	if err != nil {
		return err
	}
	return c.send(wire.Failed, id, text)
}

const tooMany = "too many commands run at the same time"

// add opens a stream; nil if there are too many.
func (c *connection) add(id uint32) *stream {
	opened := newStream(id, c)
	c.state.Lock()
	defer c.state.Unlock()
	if c.streams == nil || len(c.streams) >= maxStreams {
		return nil
	}
	c.streams[id] = opened
	return opened
}

func (c *connection) run(id uint32, text []byte) error {
	var asked process.Command
	if err := json.Unmarshal(text, &asked); err != nil {
		return c.refuse(id, "badRequest", err.Error())
	}
	if asked.Detached {
		return c.detach(id, asked)
	}
	return c.exec(id, asked)
}

func (c *connection) exec(id uint32, command process.Command) error {
	opened := c.add(id)
	if opened == nil {
		return c.refuse(id, "busy", tooMany)
	}
	program, err := process.Start(command)
	if err != nil {
		c.remove(id)
		return c.refuse(id, "failed", err.Error())
	}
	opened.program = program
	if err := c.send(wire.Started, id); err != nil {
		go opened.run()
		return err
	}
	go opened.run()
	return nil
}

// run moves the input and the output of the program until it has ended, and tells how it ended.
func (s *stream) run() {
	var input, outputs sync.WaitGroup
	input.Add(1)
	go func() {
		defer input.Done()
		s.feed()
	}()
	for channel, output := range s.program.Outputs() {
		outputs.Add(1)
		go func(channel byte, output *process.Output) {
			defer outputs.Done()
			s.deliver(channel, output)
		}(channel, output)
	}
	code, signal := s.program.Wait()
	outputs.Wait()
	s.close()
	// Nothing of the stream follows its end.
	input.Wait()
	s.connection.remove(s.id)
	ended := result{ExitCode: &code}
	if signal != 0 {
		ended = result{Signal: &signal}
	}
	if text, err := json.Marshal(ended); err == nil {
		_ = s.connection.send(wire.Done, s.id, text)
	}
}

// close ends the stream and, if it runs, its program.
func (s *stream) close() {
	s.state.Lock()
	if !s.closed {
		close(s.over)
	}
	s.closed = true
	s.change.Broadcast()
	s.state.Unlock()
	if s.program != nil {
		s.program.Kill()
	}
}

// handle takes a frame of the host.
func (s *stream) handle(frame wire.Frame) error {
	payload := frame.Payload
	switch frame.Type {
	case wire.Data:
		return s.takeInput(payload)
	case wire.End:
		return s.takeEnd(payload)
	case wire.Credit:
		return s.takeCredit(payload)
	case wire.Signal:
		if len(payload) != 1 {
			return errProtocol
		}
		if s.program != nil {
			s.program.Signal(int(payload[0]))
		}
	case wire.Resize:
		if len(payload) != 4 {
			return errProtocol
		}
		if s.program != nil {
			s.program.Resize(process.Size{Rows: binary.BigEndian.Uint16(payload), Columns: binary.BigEndian.Uint16(payload[2:])})
		}
	case wire.Close:
		s.close()
	default:
		return errProtocol
	}
	return nil
}
