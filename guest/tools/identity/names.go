package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// mostText is the size of the largest file that is looked at.
const mostText = 1 << 20

// stir adds random text of the host to what the kernel has.
func (g *guest) stir(seed string) error {
	file, err := os.OpenFile(g.path("/dev/urandom"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(seed)
	return err
}

// rename gives the guest its name, in the kernel and in its files, and reports the files of names itself.
func (g *guest) rename(name string) error {
	was, _ := readText(g.path("/proc/sys/kernel/hostname"), mostText)
	g.say("hosts", g.renameInHosts(strings.TrimSpace(was), name))
	if err := g.kernel.SetHostName(name); err != nil {
		return err
	}
	return replaceFile(g.path("/etc/hostname"), name+"\n")
}

// renameInHosts makes the own name on lines of 127.0.1.1 the new one, with its domain; other names stay.
func (g *guest) renameInHosts(was string, name string) error {
	path := g.path("/etc/hosts")
	text, err := readText(path, mostText)
	if errors.Is(err, fs.ErrNotExist) {
		return skipped("no /etc/hosts")
	}
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	found := false
	for at, line := range lines {
		words := strings.Fields(line)
		if len(words) < 1 || words[0] != "127.0.1.1" {
			continue
		}
		found = true
		lines[at] = "127.0.1.1\t" + strings.Join(renamed(words[1:], was, name), " ")
	}
	if !found {
		return skipped("no line of 127.0.1.1")
	}
	return replaceFile(path, strings.Join(lines, "\n")+"\n")
}

// renamed puts the new name in the place of the old one; if that is not among them, before all.
func renamed(words []string, was string, name string) []string {
	mine := false
	for at, word := range words {
		if strings.HasPrefix(word, "#") {
			break
		}
		if was != "" && (word == was || strings.HasPrefix(word, was+".")) {
			words[at], mine = name+word[len(was):], true
		}
	}
	if mine {
		return words
	}
	return append([]string{name}, words...)
}

// writeOwnID writes the id to a file that is not the one of another place.
func (g *guest) writeOwnID(path string, id string) error {
	if info, err := os.Lstat(g.path(path)); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return skipped("it is a link")
	}
	return g.writeID(path, id)
}

// writeID writes in place over an id of the same length: its owner and its label stay, and a full disk is no matter.
func (g *guest) writeID(path string, id string) error {
	full := g.path(path)
	if info, err := os.Stat(full); err != nil || !info.Mode().IsRegular() {
		return skipped("there is none")
	}
	was, err := readText(full, mostText)
	if err != nil {
		return err
	}
	flags := os.O_WRONLY
	if line, _, _ := strings.Cut(was, "\n"); len(line) != len(id) {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(full, flags, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = fmt.Fprintln(file, id)
	return err
}
