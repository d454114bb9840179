package identity

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Key is an SSH host key that the host of this machine has made.
type Key struct {
	// Such as `ed25519`.
	Type       string `json:"type"`
	PrivateKey string `json:"privateKey"`
	PublicKey  string `json:"publicKey"`
}

const (
	keyDirectory = "/etc/ssh"
	keyPrefix    = "ssh_host_"
	keySuffix    = "_key"
)

// keyKinds tells which kinds of SSH host keys there are.
func (g *guest) keyKinds() error {
	paths, _ := filepath.Glob(g.path(keyDirectory) + "/" + keyPrefix + "*" + keySuffix)
	var kinds []string
	for _, path := range paths {
		kinds = append(kinds, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), keyPrefix), keySuffix))
	}
	if len(kinds) == 0 {
		return skipped("there are none")
	}
	return done(strings.Join(kinds, ","))
}

// PlaceKeys puts new SSH host keys in the place of the old ones of their kinds.
func PlaceKeys(keys []Key) Report {
	g := &guest{kernel: linuxKernel{}}
	g.placeKeys(keys)
	return g.report()
}

// replacement is a file that is to take the place of another.
type replacement struct{ fresh, path string }

func (g *guest) placeKeys(keys []Key) {
	var ready []replacement
	var kinds []string
	failed := error(nil)
	for _, key := range keys {
		files, err := g.stageKey(key)
		var none skipped
		switch {
		case errors.As(err, &none) || errors.Is(err, errLink):
			g.say("host-key-"+key.Type, err)
			continue
		case err != nil:
			failed = err
		}
		kinds = append(kinds, key.Type)
		ready = append(ready, files...)
	}
	if failed == nil {
		failed = moveAll(ready)
	}
	for _, file := range ready {
		_ = os.Remove(file.fresh)
	}
	for _, kind := range kinds {
		g.say("host-key-"+kind, failed)
	}
	if failed != nil || len(kinds) == 0 {
		g.say("sshd", skipped("no key was replaced"))
		return
	}
	g.say("sshd", g.reloadSSHD())
}

// moveAll puts all files in their places, which is all or nothing but for a disk that fails.
func moveAll(files []replacement) error {
	for _, file := range files {
		if err := os.Rename(file.fresh, file.path); err != nil {
			return err
		}
	}
	return nil
}

var errLink = errors.New("the key is a link")

// stageKey writes a key and its public line beside the old ones.
func (g *guest) stageKey(key Key) ([]replacement, error) {
	if key.Type == "" || strings.ContainsAny(key.Type, "/.") {
		return nil, errors.New("a kind of keys has another name")
	}
	path := g.path(keyDirectory) + "/" + keyPrefix + key.Type + keySuffix
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, skipped("there is none")
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, errLink
	case !info.Mode().IsRegular():
		return nil, skipped("there is none")
	}
	const secret = 0o600
	fresh, err := staged(path, key.PrivateKey, secret)
	if err != nil {
		return nil, err
	}
	files := []replacement{{fresh, path}}
	public, err := os.Lstat(path + ".pub")
	if err != nil || !public.Mode().IsRegular() {
		return files, nil
	}
	fresh, err = staged(path+".pub", key.PublicKey+"\n", public.Mode().Perm())
	if err != nil {
		return files, err
	}
	return append(files, replacement{fresh, path + ".pub"}), nil
}

// reloadSSHD has sshd read its keys, which it does when it starts, and again at a hangup.
func (g *guest) reloadSSHD() error {
	run := g.path("/run")
	pid := g.running("sshd", run+"/sshd.pid", g.path("/var/run/sshd.pid"))
	if pid != 0 && g.kernel.Signal(pid, syscall.SIGHUP) == nil {
		return nil
	}
	if !exists(run + "/systemd/system") {
		return skipped("it does not run")
	}
	err := g.kernel.Run("systemctl", "--no-block", "try-reload-or-restart", "ssh.service", "sshd.service")
	if err != nil {
		return err
	}
	return done("asked")
}
