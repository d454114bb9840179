package identity

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// label is where SELinux keeps what a file is for.
const label = "security.selinux"

// readText reads a regular file that is not larger than most.
func readText(path string, most int64) (string, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New(path + " is no file")
	}
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(text)) > most {
		err = errors.New(path + " is too large")
	}
	return string(text), err
}

// oneBlock is the least that file systems allocate.
const oneBlock = 4096

// replaceFile gives a file another content, and a full disk leaves the old one whole: a new file takes its place, unless it
// is small. A link, or a file that is a mount, is written where it is.
func replaceFile(path string, text string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return overwrite(path, text)
	}
	if err != nil {
		return err
	}
	if status, is := info.Sys().(*syscall.Stat_t); is && status.Nlink == 1 && fitsInOneBlock(info, text) {
		return rewrite(path, text, info.Size())
	}
	err = swap(path, text, info.Mode().Perm())
	if errors.Is(err, syscall.EBUSY) {
		return overwrite(path, text)
	}
	return err
}

func fitsInOneBlock(info fs.FileInfo, text string) bool {
	return info.Size() <= oneBlock && len(text) <= oneBlock
}

// rewrite writes over a file of one block, all of it or nothing. Another file in its place would be a name, an inode and a block,
// and the end of the old ones: for a guest under emulation, which does that for the first time, half of its new identity.
func rewrite(path string, text string, was int64) error {
	file, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err == nil && was > int64(len(text)) {
		err = file.Truncate(int64(len(text)))
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// overwrite writes a file where it is; a pipe that nobody reads is an error.
func overwrite(path string, text string) error {
	const flags, mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC | syscall.O_NONBLOCK, 0o644
	file, err := os.OpenFile(path, flags, mode)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// swap puts a new file in the place of one, with its owner and its label.
func swap(path string, text string, mode fs.FileMode) error {
	fresh, err := staged(path, text, mode)
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		_ = os.Remove(fresh)
		return err
	}
	return nil
}

// staged writes a file beside one whose place it is to take, and returns its path.
func staged(path string, text string, mode fs.FileMode) (string, error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".kame-new-*")
	if err != nil {
		return "", err
	}
	err = fill(file, path, text, mode)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}

func fill(file *os.File, path string, text string, mode fs.FileMode) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if status, is := info.Sys().(*syscall.Stat_t); is {
		if err := file.Chown(int(status.Uid), int(status.Gid)); err != nil {
			return err
		}
	}
	// Many file systems have no labels.
	var context [256]byte
	if size, err := syscall.Getxattr(path, label, context[:]); err == nil {
		_ = syscall.Setxattr(file.Name(), label, context[:size], 0)
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return err
}
