// Package account reads the users of the guest from its passwd and group files. Accounts of directory services are not there.
package account

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Account is a user of the guest.
type Account struct {
	Name   string
	UID    uint32
	GID    uint32
	Home   string
	Shell  string
	Groups []uint32
}

const passwdFile = "/etc/passwd"
const groupFile = "/etc/group"

// longestLine is that of a group with tens of thousands of members: a scanner gives up at 64 KiB by itself, and what follows
// would not be there.
const longestLine = 1 << 20

func linesOf(file io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, longestLine)
	return lines
}

// Lookup finds a user by name.
func Lookup(name string) (Account, error) {
	passwd, err := os.Open(passwdFile)
	if err != nil {
		return Account{}, err
	}
	defer passwd.Close()
	found, err := find(passwd, name)
	if err != nil {
		return Account{}, err
	}
	// A guest without groups still has users.
	if groups, err := os.Open(groupFile); err == nil {
		defer groups.Close()
		found.Groups = groupsOf(groups, name)
	}
	return found, nil
}

// Current is the user as whom kame-tools run: root, except in tests.
func Current() (Account, error) {
	if os.Getuid() == 0 {
		return Lookup("root")
	}
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	return Account{Name: os.Getenv("USER"), UID: uid, GID: gid, Home: os.Getenv("HOME"), Shell: "/bin/sh"}, nil
}

// find reads the line of a user.
func find(passwd io.Reader, name string) (Account, error) {
	for lines := linesOf(passwd); lines.Scan(); {
		if account, ok := parse(lines.Text()); ok && account.Name == name {
			return account, nil
		}
	}
	return Account{}, fmt.Errorf("the guest has no user %q", name)
}

// parse reads a line of passwd(5).
func parse(line string) (Account, bool) {
	fields := strings.Split(line, ":")
	if len(fields) < 7 || fields[0] == "" {
		return Account{}, false
	}
	uid, errUID := strconv.ParseUint(fields[2], 10, 32)
	gid, errGID := strconv.ParseUint(fields[3], 10, 32)
	if errUID != nil || errGID != nil {
		return Account{}, false
	}
	account := Account{Name: fields[0], UID: uint32(uid), GID: uint32(gid), Home: fields[5], Shell: fields[6]}
	if account.Home == "" {
		account.Home = "/"
	}
	if account.Shell == "" {
		account.Shell = "/bin/sh"
	}
	return account, true
}

// groupsOf lists the groups that name a user as a member; see group(5).
func groupsOf(group io.Reader, name string) []uint32 {
	var found []uint32
	for lines := linesOf(group); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 4 {
			continue
		}
		for _, member := range strings.Split(fields[3], ",") {
			if gid, err := strconv.ParseUint(fields[2], 10, 32); member == name && err == nil {
				found = append(found, uint32(gid))
			}
		}
	}
	return found
}
