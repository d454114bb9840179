package operate

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sort"
	"strings"
	"syscall"

	"kame-tools/account"
	"kame-tools/linux"
)

// entry is a file of any kind.
type entry struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	SizeBytes int64  `json:"sizeBytes"`
	// Permission bits, with set-user-id, set-group-id and sticky bit.
	Mode     uint32 `json:"mode"`
	UID      uint32 `json:"uid"`
	GID      uint32 `json:"gid"`
	User     string `json:"user"`
	Group    string `json:"group"`
	Modified int64  `json:"modified"`
	// Of a symbolic link.
	Target string `json:"target,omitempty"`
}

type entries struct {
	Entries []entry `json:"entries"`
	// Whether there are more than these.
	More bool `json:"more"`
}

// mostEntries is how many entries of a directory are listed.
const mostEntries = 10_000

var types = map[uint32]string{
	syscall.S_IFREG:  "file",
	syscall.S_IFDIR:  "directory",
	syscall.S_IFLNK:  "link",
	syscall.S_IFSOCK: "socket",
	syscall.S_IFIFO:  "pipe",
	syscall.S_IFBLK:  "block",
	syscall.S_IFCHR:  "character",
}

func describe(name string, path string, follow bool, names *account.Names) (entry, error) {
	look := os.Lstat
	if follow {
		look = os.Stat
	}
	info, err := look(path)
	if err != nil {
		return entry{}, err
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return entry{}, errors.New("the kernel tells nothing about " + path)
	}
	found := entry{
		Name:      name,
		Type:      types[status.Mode&syscall.S_IFMT],
		SizeBytes: status.Size,
		Mode:      status.Mode & 0o7777,
		UID:       status.Uid,
		GID:       status.Gid,
		User:      names.User(status.Uid),
		Group:     names.Group(status.Gid),
		Modified:  info.ModTime().UnixMilli(),
	}
	if found.Type == "link" {
		// One that was removed in the meantime has none.
		found.Target, _ = os.Readlink(path)
	}
	return found, nil
}

func stat(asked request) (any, error) {
	path, err := absolute(asked.Path)
	if err != nil {
		return nil, err
	}
	return describe(path, path, asked.Follow, account.ReadNames())
}

// list lists a directory in the order of the names. What disappears in the meantime is left out.
func list(asked request) (any, error) {
	path, err := absolute(asked.Path)
	if err != nil {
		return nil, err
	}
	// Opening anything else, such as a pipe, could wait.
	directory, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer directory.Close()
	names, err := directory.Readdirnames(mostEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	found := entries{Entries: []entry{}, More: len(names) > mostEntries}
	if found.More {
		names = names[:mostEntries]
	}
	sort.Strings(names)
	owners := account.ReadNames()
	for _, name := range names {
		each, err := describe(name, path+"/"+name, false, owners)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found.Entries = append(found.Entries, each)
	}
	return found, nil
}

type place struct {
	Path string `json:"path"`
}

func makeDirectory(asked request) (any, error) {
	path, err := named(asked.Path)
	if err != nil {
		return nil, err
	}
	if asked.Parents {
		return place{path}, os.MkdirAll(path, 0o777)
	}
	return place{path}, os.Mkdir(path, 0o777)
}

// remove removes a file or a link, and a directory with all that is in it if it may.
func remove(asked request) (any, error) {
	path, err := named(asked.Path)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		if asked.Directory {
			return nil, &fs.PathError{Op: "remove", Path: path, Err: syscall.ENOTDIR}
		}
		return place{path}, syscallError("remove", path, syscall.Unlink(path))
	}
	if !asked.Recursive {
		return nil, &fs.PathError{Op: "remove", Path: path, Err: syscall.EISDIR}
	}
	return place{path}, os.RemoveAll(path)
}

func syscallError(operation string, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: operation, Path: path, Err: err}
}

func rename(asked request) (any, error) {
	from, err := named(asked.Path)
	if err != nil {
		return nil, err
	}
	to, err := named(asked.To)
	if err != nil {
		return nil, err
	}
	if asked.Replace {
		return place{to}, os.Rename(from, to)
	}
	return place{to}, linux.RenameNew(from, to)
}

func makeTemporary(asked request) (any, error) {
	directory := "/tmp"
	if asked.Path != "" {
		var err error
		if directory, err = absolute(asked.Path); err != nil {
			return nil, err
		}
	}
	pattern := asked.Prefix + "*" + asked.Suffix
	if strings.Count(pattern, "*") != 1 || strings.ContainsAny(pattern, "/\x00") {
		return nil, &failure{"badRequest", "a prefix or suffix cannot contain a slash, an asterisk or a NUL character"}
	}
	if asked.Directory {
		path, err := os.MkdirTemp(directory, pattern)
		return place{path}, err
	}
	file, err := os.CreateTemp(directory, pattern)
	if err != nil {
		return nil, err
	}
	return place{file.Name()}, file.Close()
}
