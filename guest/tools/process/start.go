package process

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"unsafe"

	"kame-tools/account"
	"kame-tools/linux"
	"kame-tools/wire"
)

// startOnPipes runs a command with pipes as its outputs, and as its input if it has one.
func startOnPipes(command *exec.Cmd, hasInput bool) (*Process, error) {
	var opened []*os.File
	pipe := func() (*os.File, *os.File, error) {
		reader, writer, err := os.Pipe()
		if err == nil {
			opened = append(opened, reader, writer)
		}
		return reader, writer, err
	}
	outReader, outWriter, err := pipe()
	if err != nil {
		return nil, err
	}
	errReader, errWriter, err := pipe()
	if err != nil {
		closeAll(opened)
		return nil, err
	}
	command.Stdout, command.Stderr = outWriter, errWriter
	theirs := []*os.File{outWriter, errWriter}
	process := &Process{
		command: command,
		outputs: map[byte]*Output{wire.Stdout: newOutput(outReader), wire.Stderr: newOutput(errReader)},
	}
	if hasInput {
		inReader, inWriter, err := pipe()
		if err != nil {
			closeAll(opened)
			return nil, err
		}
		command.Stdin = inReader
		process.stdin = inWriter
		theirs = append(theirs, inReader)
	}
	if err := command.Start(); err != nil {
		closeAll(opened)
		return nil, err
	}
	closeAll(theirs)
	return process, nil
}

// startOnTerminal runs a command on a new pseudoterminal; see pty(7).
func startOnTerminal(command *exec.Cmd, asked Terminal, user account.Account) (*Process, error) {
	master, slave, err := openTerminal()
	if err != nil {
		return nil, err
	}
	// Programs such as mesg and tty expect that it belongs to the user.
	_ = slave.Chown(int(user.UID), -1)
	resize(master, asked.Size)
	command.Stdin, command.Stdout, command.Stderr = slave, slave, slave
	command.SysProcAttr.Setctty = true
	err = command.Start()
	_ = slave.Close()
	if err != nil {
		_ = master.Close()
		return nil, err
	}
	output := newOutput(master)
	output.isTerminal = true
	return &Process{
		command:  command,
		stdin:    master,
		terminal: master,
		outputs:  map[byte]*Output{wire.Stdout: output},
	}, nil
}

func openTerminal() (master *os.File, slave *os.File, err error) {
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	var unlock, number int32
	err = control(uintptr(fd), syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	if err == nil {
		err = control(uintptr(fd), syscall.TIOCGPTN, unsafe.Pointer(&number))
	}
	if err == nil {
		slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		_ = master.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

func control(fd uintptr, request uintptr, argument unsafe.Pointer) error {
	return os.NewSyscallError("ioctl", linux.Control(fd, request, argument))
}

func resize(terminal *os.File, size Size) {
	raw, err := terminal.SyscallConn()
	if err != nil {
		return
	}
	window := [4]uint16{size.Rows, size.Columns}
	_ = raw.Control(func(fd uintptr) { _ = control(fd, syscall.TIOCSWINSZ, unsafe.Pointer(&window)) })
}

// Resize changes the size of the terminal, if there is one.
func (p *Process) Resize(size Size) {
	if p.terminal != nil {
		resize(p.terminal, size)
	}
}

// closeTerminal hangs the terminal up.
func (p *Process) closeTerminal() {
	p.state.Lock()
	defer p.state.Unlock()
	if !p.closed {
		p.closed = true
		_ = p.terminal.Close()
	}
}
