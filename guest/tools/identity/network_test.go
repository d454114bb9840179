package identity

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestFilesThatNameACardNameItAnew(t *testing.T) {
	made := newTree(t)
	upper := strings.ToUpper(oldMAC)
	made.write("/etc/netplan/a.yaml", "macaddress: "+upper+"\nother: 00:0c:29:aa:bb:99\n")
	made.write("/etc/systemd/network/b.network",
		"[Match]\nMACAddress="+upper+" 00:0c:29:00:00:07\n[Network]\n# "+oldMAC+"\n")
	made.write("/data/c", oldMAC)
	made.link("/etc/udev/rules.d/c", "../../../data/c")
	made.change(clone())
	made.says("network-files=ok")
	made.holds("/etc/netplan/a.yaml", "macaddress: "+newMAC+"\nother: 00:0c:29:aa:bb:99\n")
	made.holds("/etc/systemd/network/b.network",
		"[Match]\nMACAddress="+upper+" "+newMAC+" 00:0c:29:00:00:07\n[Network]\n# "+newMAC+"\n")
	made.holds("/data/c", oldMAC)
	if files := made.files("/etc/netplan"); files != "a.yaml" {
		t.Fatal(files)
	}
}

func TestCardsMaySwapTheirAddresses(t *testing.T) {
	made := newTree(t)
	made.card("eth1", newMAC)
	names := clone()
	names.Cards = []Card{{oldMAC, newMAC}, {newMAC, oldMAC}}
	first, outcome := made.changeCard(names.Cards[0], nil)
	if outcome != nil || len(first) != 1 {
		t.Fatal(first, outcome)
	}
	made.card("eth0", newMAC)
	second, outcome := made.changeCard(names.Cards[1], first)
	if outcome != nil || len(second) != 1 || second[0].name != "eth1" {
		t.Fatal(second, outcome)
	}
}

// client puts a DHCP client into the tree, which ends when it is told to.
func (made tree) client(pid int, name string, pidFile string, words ...string) {
	place := "/proc/" + strconv.Itoa(pid)
	made.write(place+"/comm", name+"\n")
	made.write(place+"/cmdline", strings.Join(words, "\x00")+"\x00")
	made.write(pidFile, strconv.Itoa(pid)+"\n")
	made.kernel.ended = func(ended int) {
		if ended == pid {
			_ = os.RemoveAll(made.path(place))
		}
	}
}

func TestAClientStartsAgainWithTheNewName(t *testing.T) {
	made := newTree(t)
	made.client(321, "udhcpc", "/run/udhcpc.eth0.pid", "udhcpc", "-i", "eth0", "-x", "hostname:source")
	changed := made.change(clone())
	made.renewLeases(changed, "clone")
	made.asked("drop eth0", "signal 321 15", "run udhcpc -i eth0 -x hostname:clone")
}

func TestALeaseOfDhclientIsForgotten(t *testing.T) {
	made := newTree(t)
	made.write("/run/systemd/system/x", "")
	made.write("/var/lib/dhcp/dhclient.eth0.leases", "lease")
	made.client(77, "dhclient", "/run/dhclient.pid", "dhclient", "eth0")
	made.renewLeases(made.change(clone()), "clone")
	made.asked("run systemd-run --quiet --no-block --collect -p Type=forking dhclient eth0")
	if files := made.files("/var/lib/dhcp"); files != "" {
		t.Fatal(files)
	}
}

func TestOtherClientsAreAsked(t *testing.T) {
	for _, each := range []struct{ file, program, want string }{
		{"/run/dhcpcd/eth0.pid", "dhcpcd", "run dhcpcd -n eth0"},
		{"/run/NetworkManager/devices/2", "", "run nmcli --wait 0 device connect eth0"},
		{"/run/systemd/netif/links/2", "", "run systemctl --no-block try-restart systemd-networkd.service"},
	} {
		made := newTree(t)
		made.write(each.file, "88\n")
		made.write("/proc/88/comm", each.program+"\n")
		made.renewLeases(made.change(clone()), "clone")
		made.asked(each.want)
	}
}

func TestAProcessOfAnotherNameIsLeftAlone(t *testing.T) {
	made := newTree(t)
	made.client(321, "sleep", "/run/udhcpc.eth0.pid", "sleep", "9")
	made.renewLeases(made.change(clone()), "clone")
	for _, line := range made.kernel.log {
		if strings.HasPrefix(line, "signal") {
			t.Fatal(line)
		}
	}
}

func TestAddressesMadeOfTheOldOneGo(t *testing.T) {
	made := newTree(t)
	made.write("/proc/net/if_inet6", strings.Join([]string{
		"00000000000000000000000000000001 01 80 10 80       lo",
		"fe80000000000000020c29fffeaabb01 02 40 20 80     eth0",
		"fd000000000000000123456789abcdef 02 40 00 00     eth0",
		"fd00000000000000020c29fffeaabb01 02 40 00 00     eth0",
		"fe80000000000000020c29fffeaabb01 03 40 20 80     eth1",
		"fe80", "",
	}, "\n"))
	made.renewLeases(made.change(clone()), "clone")
	made.asked("remove 2 fe80000000000000020c29fffeaabb01 64", "add 2 fe80000000000000020c29fffeccdd02 64",
		"remove 2 fd00000000000000020c29fffeaabb01 64")
	count := 0
	for _, line := range made.kernel.log {
		if strings.HasPrefix(line, "remove") || strings.HasPrefix(line, "add ") {
			count++
		}
	}
	const all = 3
	if count != all {
		t.Fatal(made.kernel.log)
	}
}
