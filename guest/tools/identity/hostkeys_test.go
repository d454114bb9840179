package identity

import (
	"os"
	"testing"
)

func keys(types ...string) []Key {
	var made []Key
	for _, each := range types {
		made = append(made, Key{each, "secret of " + each + "\n", "public " + each})
	}
	return made
}

func TestKindsOfKeysAreTold(t *testing.T) {
	made := newTree(t)
	made.write("/etc/ssh/ssh_host_rsa_key", "old")
	made.write("/etc/ssh/ssh_host_ed25519_key", "old")
	made.write("/etc/ssh/ssh_host_ed25519_key.pub", "old")
	made.change(clone())
	made.says("host-keys=ok:ed25519,rsa")
}

func TestKeysTakeThePlaceOfOldOnes(t *testing.T) {
	made := newTree(t)
	made.write("/etc/ssh/ssh_host_rsa_key", "old")
	made.write("/etc/ssh/ssh_host_rsa_key.pub", "old")
	made.write("/etc/ssh/ssh_host_ed25519_key", "old")
	made.write("/data/key", "old")
	made.link("/etc/ssh/ssh_host_ecdsa_key", "../../data/key")
	made.write("/run/sshd.pid", "99\n")
	made.write("/proc/99/comm", "sshd\n")
	made.placeKeys(keys("rsa", "ed25519", "ecdsa", "dsa"))
	made.says("host-key-rsa=ok", "host-key-ed25519=ok", "host-key-ecdsa=failed:the key is a link",
		"host-key-dsa=skipped:there is none", "sshd=ok")
	made.asked("signal 99 1")
	made.holds("/etc/ssh/ssh_host_rsa_key", "secret of rsa\n")
	made.holds("/etc/ssh/ssh_host_rsa_key.pub", "public rsa\n")
	made.holds("/data/key", "old")
	info, err := os.Stat(made.path("/etc/ssh/ssh_host_rsa_key"))
	const secret = 0o600
	if err != nil || info.Mode() != secret {
		t.Fatal(info, err)
	}
	if files := made.files("/etc/ssh"); files != "ssh_host_ecdsa_key ssh_host_ed25519_key ssh_host_rsa_key ssh_host_rsa_key.pub" {
		t.Fatal(files)
	}
}

func TestAKeyThatCannotBeWrittenLeavesAllAsTheyWere(t *testing.T) {
	made := newTree(t)
	made.write("/etc/ssh/ssh_host_rsa_key", "old")
	bad := keys("rsa")
	bad = append(bad, Key{Type: "../x", PrivateKey: "secret"})
	made.placeKeys(bad)
	made.says("host-key-rsa=failed:a kind of keys has another name", "sshd=skipped:no key was replaced")
	made.holds("/etc/ssh/ssh_host_rsa_key", "old")
	if files := made.files("/etc/ssh"); files != "ssh_host_rsa_key" {
		t.Fatal(files)
	}
}

func TestAServiceOfSystemdIsAskedToReadItsKeys(t *testing.T) {
	made := newTree(t)
	made.write("/etc/ssh/ssh_host_rsa_key", "old")
	made.write("/run/systemd/system/x", "")
	made.placeKeys(keys("rsa"))
	made.says("sshd=ok:asked")
	made.asked("run systemctl --no-block try-reload-or-restart ssh.service sshd.service")
}
