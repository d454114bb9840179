package hgfs

import (
	"context"
	"errors"
	"syscall"

	"kame-tools/webdav"
)

// errChanged says that a file has changed on the host while it was copied.
var errChanged = syscall.EBUSY

// What the refusals of the host mean to programs.
var meanings = map[int]syscall.Errno{
	400: syscall.EINVAL,
	403: syscall.EACCES,
	404: syscall.ENOENT,
	405: syscall.EEXIST,
	409: syscall.ENOENT,
	412: syscall.EEXIST,
	414: syscall.ENAMETOOLONG,
	423: syscall.EBUSY,
	507: syscall.ENOSPC,
}

// errnoOf is what a program is told of an error.
func errnoOf(err error) syscall.Errno {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	if errors.Is(err, context.Canceled) {
		return syscall.EINTR
	}
	if errors.Is(err, webdav.ErrLongName) {
		return syscall.ENAMETOOLONG
	}
	var refused *webdav.StatusError
	if errors.As(err, &refused) {
		if refused.ReadOnly {
			return syscall.EROFS
		}
		if meaning, isKnown := meanings[refused.Status]; isKnown {
			return meaning
		}
	}
	return syscall.EIO
}

// meaning gives one status of the host another meaning.
func meaning(err error, status int, number syscall.Errno) error {
	var refused *webdav.StatusError
	if errors.As(err, &refused) && refused.Status == status && !refused.ReadOnly {
		return number
	}
	return err
}
