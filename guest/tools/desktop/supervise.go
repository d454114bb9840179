package desktop

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// WorkerOption makes kame-tools be what Supervise runs.
const WorkerOption = "--session-worker"

const (
	// One that crashes at once is not started again at once.
	firstRestart   = time.Second
	longestRestart = time.Minute
	// What Go programs end with after a panic.
	panicked = 2
	// The display has not answered in time: a desktop that has only begun may be slow, above all in an emulated guest.
	notAnswered = 3
)

// Supervise serves the session by another process, which is started again when it crashes, or the desktop was too slow for it: desktops
// start a program once.
func Supervise() error {
	// The kernel ends the other process when this thread ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := supervise(func() *exec.Cmd {
		command := exec.Command("/proc/self/exe", WorkerOption)
		command.Stderr = os.Stderr
		command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
		return command
	}, firstRestart)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		// It has said why.
		os.Exit(1)
	}
	return err
}

// supervise returns when a process has ended that is not to be started again.
func supervise(start func() *exec.Cmd, wait time.Duration) error {
	for {
		began := time.Now()
		err := start().Run()
		if !again(err) {
			return err
		}
		if time.Since(began) > longestRestart {
			wait = firstRestart
		}
		time.Sleep(wait)
		if wait *= 2; wait > longestRestart {
			wait = longestRestart
		}
	}
}

// again tells whether a process was ended by a signal or a panic, or had no answer.
func again(err error) bool {
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return false
	}
	status, known := ended.Sys().(syscall.WaitStatus)
	return known && (status.Signaled() && status.Signal() != syscall.SIGTERM || status.ExitStatus() == panicked ||
		status.ExitStatus() == notAnswered)
}
