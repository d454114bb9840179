package session

import (
	"encoding/binary"
	"encoding/json"
	"sync"

	"kame-tools/process"
	"kame-tools/wire"
)

// request is what a host asks for when it opens a stream.
type request struct {
	Service string `json:"service"`
	process.Command
}

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
	// Bytes that may be sent, by channel.
	room [wire.Channels]int
	// Standard input that the program has not taken.
	input      []byte
	inputEnded bool
	// Bytes of standard input that the host may still send.
	inputRoom int
}

func newStream(id uint32, connection *connection) *stream {
	s := &stream{id: id, connection: connection, inputRoom: wire.Window}
	s.change = sync.NewCond(&s.state)
	s.room[wire.Stdout], s.room[wire.Stderr] = wire.Window, wire.Window
	return s
}

// open begins what a request asks for.
func (c *connection) open(id uint32, text []byte) error {
	var asked request
	if err := json.Unmarshal(text, &asked); err != nil {
		return c.refuse(id, "badRequest", err.Error())
	}
	switch asked.Service {
	case "info":
		answer, err := json.Marshal(c.info())
		if err != nil {
			return err
		}
		return c.send(wire.Done, id, answer)
	case "exec":
		if asked.Detached {
			return c.detach(id, asked.Command)
		}
		return c.exec(id, asked.Command)
	case "operate":
		return c.operate(id, text)
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

// feed gives the program its standard input.
func (s *stream) feed() {
	stdin := s.program.Stdin()
	wanted := stdin != nil
	for {
		chunk, more := s.nextInput()
		if !more {
			break
		}
		if wanted && len(chunk) > 0 {
			if _, err := stdin.Write(chunk); err != nil {
				// The host need not send the rest.
				wanted = false
				_ = s.connection.send(wire.End, s.id, []byte{wire.Stdin})
			}
		}
		s.grantInput(len(chunk))
	}
	if stdin != nil {
		s.program.EndInput()
	}
}

// nextInput waits for standard input; no more is there when it has ended or the stream is closed.
func (s *stream) nextInput() ([]byte, bool) {
	s.state.Lock()
	defer s.state.Unlock()
	for len(s.input) == 0 && !s.inputEnded && !s.closed {
		s.change.Wait()
	}
	chunk := s.input
	s.input = nil
	return chunk, len(chunk) > 0 && !s.closed
}

func (s *stream) grantInput(count int) {
	s.state.Lock()
	s.inputRoom += count
	s.state.Unlock()
	var credit [5]byte
	credit[0] = wire.Stdin
	binary.BigEndian.PutUint32(credit[1:], uint32(count))
	_ = s.connection.send(wire.Credit, s.id, credit[:])
}

// deliver sends the output of a channel. It takes no more from the program than the host has room for.
func (s *stream) deliver(channel byte, output *process.Output) {
	buffer := make([]byte, wire.MaxData)
	for {
		room := s.waitForRoom(channel)
		if room == 0 {
			break
		}
		if room > len(buffer) {
			room = len(buffer)
		}
		count, err := output.Read(buffer[:room])
		if count > 0 {
			s.spend(channel, count)
			if s.connection.send(wire.Data, s.id, []byte{channel}, buffer[:count]) != nil {
				break
			}
		}
		if err != nil {
			_ = s.connection.send(wire.End, s.id, []byte{channel})
			break
		}
	}
	output.Abandon()
}

// waitForRoom waits until the host has room, and says how much; none if the stream is closed.
func (s *stream) waitForRoom(channel byte) int {
	s.state.Lock()
	defer s.state.Unlock()
	for s.room[channel] == 0 && !s.closed {
		s.change.Wait()
	}
	if s.closed {
		return 0
	}
	return s.room[channel]
}

func (s *stream) spend(channel byte, count int) {
	s.state.Lock()
	defer s.state.Unlock()
	s.room[channel] -= count
}

// close ends the stream and, if it runs, its program.
func (s *stream) close() {
	s.state.Lock()
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
		if len(payload) != 1 || payload[0] != wire.Stdin {
			return errProtocol
		}
		s.state.Lock()
		s.inputEnded = true
		s.change.Broadcast()
		s.state.Unlock()
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

func (s *stream) takeInput(payload []byte) error {
	if len(payload) < 2 || payload[0] != wire.Stdin {
		return errProtocol
	}
	data := payload[1:]
	s.state.Lock()
	defer s.state.Unlock()
	if len(data) > s.inputRoom || s.inputEnded {
		return errProtocol
	}
	s.inputRoom -= len(data)
	s.input = append(s.input, data...)
	s.change.Broadcast()
	return nil
}

func (s *stream) takeCredit(payload []byte) error {
	if len(payload) != 5 || payload[0] != wire.Stdout && payload[0] != wire.Stderr {
		return errProtocol
	}
	more := binary.BigEndian.Uint32(payload[1:])
	s.state.Lock()
	defer s.state.Unlock()
	// No more than what it has taken.
	if more == 0 || uint64(s.room[payload[0]])+uint64(more) > wire.Window {
		return errProtocol
	}
	s.room[payload[0]] += int(more)
	s.change.Broadcast()
	return nil
}
