package account

import (
	"os"
	"strconv"
	"strings"
)

// Names are the names of users and groups by their numbers. Of several names for a number, the first counts.
type Names struct {
	users  map[uint32]string
	groups map[uint32]string
}

// ReadNames reads them from the files of the guest. What cannot be read has no names.
func ReadNames() *Names {
	return &Names{namesIn(passwdFile), namesIn(groupFile)}
}

// User is the name of a user, or else the number.
func (n *Names) User(uid uint32) string { return nameOr(n.users, uid) }

// Group is the name of a group, or else the number.
func (n *Names) Group(gid uint32) string { return nameOr(n.groups, gid) }

func nameOr(names map[uint32]string, id uint32) string {
	if name, ok := names[id]; ok {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}

// namesIn reads a file whose lines begin with a name and have the number in their third field.
func namesIn(path string) map[uint32]string {
	names := map[uint32]string{}
	file, err := os.Open(path)
	if err != nil {
		return names
	}
	defer file.Close()
	for lines := linesOf(file); lines.Scan(); {
		const most = 4
		fields := strings.SplitN(lines.Text(), ":", most)
		if len(fields) < most {
			continue
		}
		id, err := strconv.ParseUint(fields[2], 10, 32)
		if _, known := names[uint32(id)]; err == nil && !known {
			names[uint32(id)] = fields[0]
		}
	}
	return names
}

// All lists the users of the guest, as far as there are no more than that.
func All(most int) ([]Account, error) {
	passwd, err := os.Open(passwdFile)
	if err != nil {
		return nil, err
	}
	defer passwd.Close()
	var found []Account
	for lines := linesOf(passwd); lines.Scan() && len(found) < most; {
		if account, ok := parse(lines.Text()); ok {
			found = append(found, account)
		}
	}
	return found, nil
}
