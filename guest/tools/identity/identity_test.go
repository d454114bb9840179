package identity

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestNamesIdsAndAddressesChange(t *testing.T) {
	made := newTree(t)
	made.write("/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tsource.lan source db # source\n::1 localhost\n")
	made.write("/var/lib/dbus/machine-id", oldID+"\n")
	changed := made.change(clone())
	made.says("clock=ok", "random=ok", "reseed=ok", "hostname=ok", "hosts=ok", "machine-id=ok", "dbus-machine-id=ok",
		"mac-0=ok", "network-files=skipped:no files of a kind that is known", "lease=ok:asked",
		"host-keys=skipped:there are none")
	made.asked("clock 1700000000250", "hostname clone", "address eth0 "+newMAC)
	made.holds("/etc/hostname", "clone\n")
	made.holds("/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tclone.lan clone db # source\n::1 localhost\n")
	made.holds("/etc/machine-id", newID+"\n")
	made.holds("/var/lib/dbus/machine-id", newID+"\n")
	made.holds("/dev/urandom", "AbC+/=")
	if files := made.files("/etc"); files != "hostname hosts machine-id" {
		t.Fatal(files)
	}
	if len(changed) != 1 || changed[0].name != "eth0" {
		t.Fatal(changed)
	}
}

func TestWhatIsNotThereIsSkipped(t *testing.T) {
	made := newTree(t)
	made.card("eth0", "00:0c:29:00:00:99")
	made.write("/etc/hosts", "127.0.0.1 localhost")
	made.link("/var/lib/dbus/machine-id", "/etc/machine-id")
	_ = os.Remove(made.path("/etc/machine-id"))
	names := clone()
	names.Now = nil
	made.change(names)
	made.says("clock=skipped:the clock is to stay as it is", "hosts=skipped:no line of 127.0.1.1",
		"machine-id=skipped:there is none", "dbus-machine-id=skipped:it is a link",
		"mac-0=skipped:no interface has this address", "lease=skipped:no address was changed")
	made.holds("/etc/hosts", "127.0.0.1 localhost")
	names.Cards = nil
	made.change(names)
	made.says("network-files=skipped:no address is new")
}

func TestAFailureStopsNothing(t *testing.T) {
	made := newTree(t)
	for _, call := range []string{"clock", "reseed", "hostname", "address"} {
		made.kernel.failing[call] = errDenied
	}
	made.change(clone())
	made.says("clock=failed:operation not permitted", "reseed=failed:operation not permitted",
		"hostname=failed:operation not permitted", "mac-0=failed:operation not permitted", "machine-id=ok",
		"lease=skipped:no address was changed")
	made.holds("/etc/hostname", "source\n")
}

func TestTheNameIsPutBeforeOthersOfItsLine(t *testing.T) {
	for _, each := range [][2]string{
		{"127.0.1.1 db", "127.0.1.1\tclone db"},
		{"127.0.1.1", "127.0.1.1\tclone"},
		{"127.0.1.1 sourcery source.lan", "127.0.1.1\tsourcery clone.lan"},
		{"127.0.1.1 # source", "127.0.1.1\tclone # source"},
	} {
		made := newTree(t)
		made.write("/etc/hosts", each[0])
		made.change(clone())
		made.holds("/etc/hosts", each[1]+"\n")
	}
}

func TestAHostNameThatIsALinkIsWrittenWhereItIs(t *testing.T) {
	made := newTree(t)
	_ = os.Remove(made.path("/etc/hostname"))
	made.write("/data/name", "source\n")
	made.link("/etc/hostname", "../data/name")
	made.change(clone())
	made.holds("/data/name", "clone\n")
}

func TestAPipeInThePlaceOfAFileIsNotWaitedFor(t *testing.T) {
	made := newTree(t)
	_ = os.Remove(made.path("/etc/hostname"))
	const mode = 0o600
	if err := syscall.Mkfifo(made.path("/etc/hostname"), mode); err != nil {
		t.Fatal(err)
	}
	made.change(clone())
	if lines := strings.Join(made.lines, "\n"); !strings.Contains(lines, "hostname=failed:") {
		t.Fatal(lines)
	}
}

func TestAFileKeepsItsMode(t *testing.T) {
	made := newTree(t)
	const mode = 0o640
	if err := os.Chmod(made.path("/etc/hostname"), mode); err != nil {
		t.Fatal(err)
	}
	made.change(clone())
	info, err := os.Stat(made.path("/etc/hostname"))
	if err != nil || info.Mode() != mode {
		t.Fatal(info, err)
	}
}

func TestASmallFileStaysWhereItIsAndALargeOneGetsAnother(t *testing.T) {
	for _, each := range []struct {
		name        string
		size, links int
		stays       bool
	}{
		{"small", 0, 1, true},
		{"of one block", oneBlock - len("127.0.1.1\tsource\n"), 1, true},
		{"large", oneBlock, 1, false},
		{"with another name", 0, 2, false},
	} {
		t.Run(each.name, func(t *testing.T) {
			made := newTree(t)
			rest := strings.Repeat("#", each.size)
			made.write("/etc/hosts", "127.0.1.1\tsource\n"+rest)
			if each.links > 1 {
				if err := os.Link(made.path("/etc/hosts"), made.path("/etc/hosts.saved")); err != nil {
					t.Fatal(err)
				}
			}
			before, _ := os.Stat(made.path("/etc/hosts"))
			made.change(clone())
			after, err := os.Stat(made.path("/etc/hosts"))
			if err != nil || os.SameFile(before, after) != each.stays {
				t.Fatal(err, os.SameFile(before, after))
			}
			want := "127.0.1.1\tclone\n"
			if rest != "" {
				want += rest + "\n"
			}
			made.holds("/etc/hosts", want)
			if each.links > 1 {
				made.holds("/etc/hosts.saved", "127.0.1.1\tsource\n")
			}
		})
	}
}

func TestAnUninitializedIdBecomesOne(t *testing.T) {
	made := newTree(t)
	made.write("/etc/machine-id", "uninitialized, and this line is longer than an id is\n")
	made.change(clone())
	made.holds("/etc/machine-id", newID+"\n")
}

func TestAReasonIsOneLine(t *testing.T) {
	made := newTree(t)
	made.say("step", skipped("one\nlast=ok"))
	if text := made.report().Report; strings.Count(text, "\n") != 1 {
		t.Fatalf("%q", text)
	}
}
