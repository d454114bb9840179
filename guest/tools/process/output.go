package process

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// How long the last output of a program may take on its way through a terminal when the terminal stays open.
const terminalRest = 100 * time.Millisecond

// The most that is read of a terminal after that: more than the kernel keeps of it, since it cannot tell how much that is, and a
// program that was left behind may go on writing.
const maxTerminalRest = 64 * 1024

// Output is an output of a program.
type Output struct {
	file       *os.File
	isTerminal bool
	// How many bytes are still read of what was there when the program had ended; less than 0 before.
	rest int
}

func newOutput(file *os.File) *Output {
	return &Output{file: file, rest: -1}
}

// saying is the output of a program that says something and ends.
func saying(text string) (*Output, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	_, err = writer.WriteString(text)
	_ = writer.Close()
	return newOutput(reader), err
}

// Read reads what the program has written. It ends when the program has ended and what it wrote was read, even if a program
// that it left behind has the output too.
func (o *Output) Read(into []byte) (int, error) {
	count, err := o.file.Read(into)
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return count, err
	}
	return o.readRest(into)
}

// readRest reads what is there without waiting: after its deadline a file gives nothing more, even of what has come.
func (o *Output) readRest(into []byte) (int, error) {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	count := 0
	var failed error
	err = raw.Control(func(fd uintptr) {
		if o.rest < 0 && o.isTerminal {
			o.rest = maxTerminalRest
		} else if o.rest < 0 {
			o.rest = waiting(fd)
		}
		if len(into) > o.rest {
			into = into[:o.rest]
		}
		if len(into) > 0 {
			count, failed = syscall.Read(int(fd), into)
		}
	})
	// A terminal says EAGAIN at the end of what is there, and EIO when no program has it any more.
	if err != nil || failed != nil || count <= 0 {
		return 0, io.EOF
	}
	o.rest -= count
	return count, nil
}

// waiting is how many bytes are in a pipe.
func waiting(fd uintptr) int {
	const fionread = 0x541b
	var count int32
	if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, fd, fionread, uintptr(unsafe.Pointer(&count))); failed != 0 {
		return 0
	}
	return int(count)
}

// programEnded makes Read end after what is there.
func (o *Output) programEnded() {
	deadline := time.Unix(1, 0)
	if o.isTerminal {
		deadline = time.Now().Add(terminalRest)
	}
	_ = o.file.SetReadDeadline(deadline)
}

// Abandon reads no more. A program that was left behind can go on writing to a pipe.
func (o *Output) Abandon() {
	if o.isTerminal {
		return
	}
	_ = o.file.SetReadDeadline(time.Time{})
	go func() {
		_, _ = io.Copy(io.Discard, o.file)
		_ = o.file.Close()
	}()
}
