package process

import (
	"fmt"
	"os"
	"syscall"

	"kame-tools/account"
)

// directory is where to run a command: what was asked for, or the home directory of the user. Users of services often have none,
// or one that is not theirs to enter; as at a login, the root directory takes its place.
func directory(asked Command, user account.Account) (string, error) {
	if asked.Directory != "" {
		return asked.Directory, enter(asked.Directory, user)
	}
	if asked.User == "" && len(asked.Words) > 0 || enter(user.Home, user) != nil {
		return "/", nil
	}
	return user.Home, nil
}

// enter tells why a user cannot enter a directory. The kernel decides that: a child becomes the user and enters it. Its program
// does not exist, which is the failure that is left.
func enter(directory string, user account.Account) error {
	if info, err := os.Stat(directory); err != nil || !info.IsDir() {
		return fmt.Errorf("the guest has no directory %q", directory)
	}
	child := &syscall.ProcAttr{Dir: directory, Sys: &syscall.SysProcAttr{Credential: credential(user)}}
	if _, err := syscall.ForkExec("", []string{""}, child); err != nil && err != syscall.ENOENT {
		return fmt.Errorf("the user %q cannot enter the directory %q: %w", user.Name, directory, err)
	}
	return nil
}

// credential is what makes a child that user; nil if kame-tools are that user.
func credential(user account.Account) *syscall.Credential {
	if user.UID == uint32(os.Getuid()) {
		return nil
	}
	return &syscall.Credential{Uid: user.UID, Gid: user.GID, Groups: user.Groups}
}
