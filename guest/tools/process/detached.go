package process

import (
	"errors"
	"fmt"
	"io/fs"
)

// StartDetached runs a command that nobody waits for: it has no input and no output, and goes on when the connection ends.
// It returns the number of the process.
func StartDetached(asked Command) (int, error) {
	if len(asked.Words) == 0 || asked.Terminal != nil || asked.Stdin {
		return 0, errors.New("a command that nobody waits for has no terminal and no input")
	}
	user, err := userOf(asked)
	if err != nil {
		return 0, err
	}
	command, failed, err := prepare(asked, user)
	if err != nil {
		return 0, err
	}
	defer closeAll(command.ExtraFiles)
	if errors.Is(failed, fs.ErrNotExist) {
		failed = errors.New("not found")
	}
	if failed != nil {
		return 0, fmt.Errorf("%s: %w", asked.Words[0], failed)
	}
	// Without files of its own it has /dev/null.
	if err := command.Start(); err != nil {
		return 0, err
	}
	// Its number stays taken until it is waited for.
	go func() { _ = command.Wait() }()
	return command.Process.Pid, nil
}
