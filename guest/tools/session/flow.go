package session

import (
	"encoding/binary"

	"kame-tools/process"
	"kame-tools/wire"
)

// How bytes flow: no side sends more of a channel than the other one has room for, and gives room back as it takes them.

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

// takeEnd ends standard input after what has come of it.
func (s *stream) takeEnd(payload []byte) error {
	if len(payload) != 1 || payload[0] != wire.Stdin {
		return errProtocol
	}
	s.state.Lock()
	defer s.state.Unlock()
	s.inputEnded = true
	s.change.Broadcast()
	return nil
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
