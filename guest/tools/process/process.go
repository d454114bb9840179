// Package process runs the commands of a host.
package process

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"kame-tools/account"
	"kame-tools/wire"
)

// Size is the size of a terminal, in characters.
type Size struct {
	Rows    uint16 `json:"rows"`
	Columns uint16 `json:"columns"`
}

// Terminal asks for a terminal as input and output.
type Terminal struct {
	Size
	// The value of TERM.
	Type string `json:"type"`
}

// Command is what to run. Without words, the shell of the user is run as at a login.
type Command struct {
	Words     []string          `json:"command"`
	Variables map[string]string `json:"env"`
	Directory string            `json:"cwd"`
	User      string            `json:"user"`
	Stdin     bool              `json:"stdin"`
	Terminal  *Terminal         `json:"terminal"`
	Script    *Script           `json:"script"`
	// Whether it goes on when the connection ends, without input and output.
	Detached bool `json:"detached"`
}

// What a shell reports for a command that is not there, or that cannot be run.
const (
	notFound  = 127
	cannotRun = 126
)

// How long programs on a terminal have to end after it was hung up.
const hangUpTime = 2 * time.Second

// Process is a program that runs. It has a process group of its own.
type Process struct {
	command  *exec.Cmd
	stdin    *os.File
	outputs  map[byte]*Output
	terminal *os.File

	state sync.Mutex
	ended bool
	// The exit code of a program that could not be run.
	code int
	// Whether the terminal was hung up.
	closed bool
}

// Start runs a command. A program that cannot be run tells so on standard error and ends with 126 or 127, as in a shell; an
// error means that the command makes no sense in this guest.
func Start(asked Command) (*Process, error) {
	user, err := userOf(asked)
	if err != nil {
		return nil, err
	}
	command, failed, err := prepare(asked, user)
	if err != nil {
		return nil, err
	}
	defer closeAll(command.ExtraFiles)
	if failed != nil {
		return refusal(command.Args[0], failed)
	}
	started, err := start(command, asked, user)
	var refused *fs.PathError
	if errors.As(err, &refused) && refused.Op == "fork/exec" {
		return refusal(command.Args[0], refused.Err)
	}
	return started, err
}

// prepare makes what is to be started. `failed` says why its program was not found.
func prepare(asked Command, user account.Account) (command *exec.Cmd, failed error, err error) {
	variables := environment(asked, user)
	words, name := asked.Words, ""
	if len(words) == 0 {
		words, name = []string{user.Shell}, "-"+path.Base(user.Shell)
	}
	program, failed := find(words[0], variables["PATH"])
	command = &exec.Cmd{Path: program, Args: words, Env: pairs(variables)}
	if name != "" {
		command.Args = []string{name}
	}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: credential(user)}
	if command.Dir, err = directory(asked, user); err != nil {
		return nil, nil, err
	}
	if asked.Script != nil && failed == nil {
		err = asked.Script.addTo(command)
	}
	return command, failed, err
}

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}

func start(command *exec.Cmd, asked Command, user account.Account) (*Process, error) {
	if asked.Terminal != nil {
		return startOnTerminal(command, *asked.Terminal, user)
	}
	return startOnPipes(command, asked.Stdin)
}

// refusal is a program that says why another one cannot be run.
func refusal(name string, reason error) (*Process, error) {
	code := cannotRun
	if errors.Is(reason, fs.ErrNotExist) {
		code, reason = notFound, errors.New("not found")
	}
	var path *fs.PathError
	if errors.As(reason, &path) {
		reason = path.Err
	}
	said, err := saying("kame-tools: " + name + ": " + reason.Error() + "\n")
	if err != nil {
		return nil, err
	}
	return &Process{outputs: map[byte]*Output{wire.Stderr: said}, ended: true, code: code}, nil
}

func userOf(asked Command) (account.Account, error) {
	if asked.User == "" {
		return account.Current()
	}
	return account.Lookup(asked.User)
}

const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment is what belongs to the user and what was asked for. A service manager gives kame-tools more than that.
func environment(asked Command, user account.Account) map[string]string {
	variables := map[string]string{"PATH": usualPath}
	for _, name := range []string{"PATH", "LANG", "TZ"} {
		if value := os.Getenv(name); value != "" {
			variables[name] = value
		}
	}
	addKept(variables)
	variables["HOME"], variables["SHELL"] = user.Home, user.Shell
	variables["USER"], variables["LOGNAME"] = user.Name, user.Name
	if asked.Terminal != nil && asked.Terminal.Type != "" {
		variables["TERM"] = asked.Terminal.Type
	}
	for name, value := range asked.Variables {
		variables[name] = value
	}
	return variables
}

func pairs(variables map[string]string) []string {
	list := make([]string, 0, len(variables))
	for name, value := range variables {
		list = append(list, name+"="+value)
	}
	return list
}

// find looks for a program in the directories of a PATH.
func find(name string, directories string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	var failed error = fs.ErrNotExist
	for _, directory := range strings.Split(directories, ":") {
		if directory == "" {
			directory = "."
		}
		candidate := path.Join(directory, name)
		info, err := os.Stat(candidate)
		if err != nil || info.IsDir() {
			continue
		}
		if info.Mode()&0o111 != 0 {
			return candidate, nil
		}
		failed = fs.ErrPermission
	}
	return "", failed
}

// Stdin is where to write standard input; nil if the program has none.
func (p *Process) Stdin() *os.File {
	return p.stdin
}

// Outputs are the outputs of the program, by channel.
func (p *Process) Outputs() map[byte]*Output {
	return p.outputs
}

// EndInput ends standard input. On a terminal it types what ends it there.
func (p *Process) EndInput() {
	if p.terminal != nil {
		const endOfFile = 4
		_, _ = p.terminal.Write([]byte{endOfFile})
	} else if p.stdin != nil {
		_ = p.stdin.Close()
	}
}

// Wait waits for the end of the program: its exit code, or the signal that ended it.
func (p *Process) Wait() (code int, signal int) {
	code, signal = p.code, 0
	if p.command != nil {
		waitUntilEnded(p.command.Process.Pid)
		// From here on the kernel may give its number to another program.
		p.markEnded()
		// Its outputs are files, so this waits for nothing else.
		_ = p.command.Wait()
		status, _ := p.command.ProcessState.Sys().(syscall.WaitStatus)
		if code = status.ExitStatus(); status.Signaled() {
			signal = int(status.Signal())
		}
	}
	if p.stdin != nil && p.terminal == nil {
		_ = p.stdin.Close()
	}
	for _, output := range p.outputs {
		output.programEnded()
	}
	return code, signal
}

func (p *Process) markEnded() {
	p.state.Lock()
	defer p.state.Unlock()
	p.ended = true
}

// waitUntilEnded waits for the end of a child, whose number stays taken until it is waited for.
func waitUntilEnded(pid int) {
	const byPID = 1
	const options = syscall.WEXITED | syscall.WNOWAIT
	for {
		// The kernel fills a siginfo_t, which has 128 bytes.
		var told [128]byte
		_, _, failed := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(pid), uintptr(unsafe.Pointer(&told)), options, 0, 0)
		if failed != syscall.EINTR {
			return
		}
	}
}

// Signal sends a signal to the program and its children.
func (p *Process) Signal(number int) {
	p.state.Lock()
	defer p.state.Unlock()
	if !p.ended {
		_ = syscall.Kill(-p.command.Process.Pid, syscall.Signal(number))
	}
}

// Kill ends the program and its children. Those on a terminal are told first that it hangs up.
func (p *Process) Kill() {
	if p.terminal == nil {
		p.Signal(int(syscall.SIGKILL))
		return
	}
	p.Signal(int(syscall.SIGHUP))
	p.Signal(int(syscall.SIGCONT))
	p.closeTerminal()
	time.AfterFunc(hangUpTime, func() { p.Signal(int(syscall.SIGKILL)) })
}
