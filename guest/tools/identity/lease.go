package identity

import (
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A lease is forgotten, never released: the address is the source machine's, and a server that took it back would give it to
// somebody else.

// renewLeases has the DHCP clients ask for addresses of the cards that have another MAC address now.
func (g *guest) renewLeases(changed []changedCard, hostName string) {
	networkd := false
	for _, card := range changed {
		g.moveLinkLocal(card)
		if g.renewLease(card.name, hostName) == errNetworkd {
			networkd = true
		}
	}
	if networkd {
		_ = g.kernel.Run("systemctl", "--no-block", "try-restart", "systemd-networkd.service")
	}
}

// errNetworkd is that systemd-networkd has the card: it is started anew, once for all cards, since it keeps the machine-id
// that its client id comes from.
var errNetworkd = errors.New("systemd-networkd is to start anew")

func (g *guest) renewLease(card string, hostName string) error {
	run := g.path("/run")
	if pid := g.running("udhcpc", run+"/udhcpc."+card+".pid", run+"/udhcpc-"+card+".pid"); pid != 0 {
		return g.startAgain(pid, card, hostName)
	}
	if pid := g.running("dhclient", run+"/dhclient."+card+".pid", run+"/dhclient-"+card+".pid", run+"/dhclient.pid"); pid != 0 {
		leases := g.path("/var/lib/dhcp/dhclient")
		_ = os.Remove(leases + "." + card + ".leases")
		_ = os.Remove(leases + ".leases")
		return g.startAgain(pid, card, hostName)
	}
	if g.running("dhcpcd", run+"/dhcpcd/pid", run+"/dhcpcd.pid", run+"/dhcpcd/"+card+".pid") != 0 {
		_ = os.Remove(g.path("/var/lib/dhcpcd/duid"))
		_ = os.Remove(g.path("/var/lib/dhcpcd/" + card + ".lease"))
		return g.kernel.Run("dhcpcd", "-n", card)
	}
	const most = 64
	text, _ := readText(g.path(networkClass+"/"+card+"/ifindex"), most)
	index := strings.TrimSpace(text)
	if index == "" {
		return nil
	}
	if exists(run + "/NetworkManager/devices/" + index) {
		if err := g.kernel.Run("nmcli", "--wait", "0", "device", "connect", card); err == nil {
			return nil
		}
	}
	if link := run + "/systemd/netif/links/" + index; exists(link) {
		_ = os.Remove(run + "/systemd/netif/leases/" + index)
		return errNetworkd
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// running is the process of a program of which one of some pid files tells; 0 if none does.
func (g *guest) running(program string, files ...string) int {
	const most = 64
	for _, file := range files {
		text, err := readText(file, most)
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || pid < 1 {
			continue
		}
		name, err := os.ReadFile(g.path("/proc/" + strconv.Itoa(pid) + "/comm"))
		if err == nil && strings.TrimSpace(string(name)) == program {
			return pid
		}
	}
	return 0
}

const (
	endStep  = 10 * time.Millisecond
	mostWait = 5 * time.Second
)

// startAgain ends a DHCP client and starts it with the same arguments, but the new host name. The address goes first: without
// it a client can't tell the server that it gives the lease back.
func (g *guest) startAgain(pid int, card string, hostName string) error {
	place := g.path("/proc/" + strconv.Itoa(pid))
	text, err := os.ReadFile(place + "/cmdline")
	if err != nil || len(text) == 0 {
		return errors.New("the program has ended")
	}
	words := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	for at, word := range words {
		if strings.HasPrefix(word, "hostname:") && word != "hostname:" {
			words[at] = "hostname:" + hostName
		}
	}
	if err := g.kernel.DropIPv4(card); err != nil {
		return err
	}
	if err := g.kernel.Signal(pid, syscall.SIGTERM); err != nil {
		return err
	}
	for waited := time.Duration(0); exists(place) && waited < mostWait; waited += endStep {
		time.Sleep(endStep)
	}
	if exists(g.path("/run/systemd/system")) {
		// Else it would end together with the service of these tools.
		words = append([]string{"systemd-run", "--quiet", "--no-block", "--collect", "-p", "Type=forking"}, words...)
	}
	return g.kernel.Run(words...)
}

// moveLinkLocal replaces the IPv6 addresses that the kernel made of the old MAC address, which it keeps.
func (g *guest) moveLinkLocal(card changedCard) {
	text, err := readText(g.path("/proc/net/if_inet6"), mostText)
	old, fresh := interfaceID(card.Old), interfaceID(card.New)
	if err != nil || old == nil || fresh == nil {
		return
	}
	for _, line := range strings.Split(text, "\n") {
		address, index, length, ok := parseIPv6(line, card.name)
		if !ok || string(address[8:]) != string(old) {
			continue
		}
		_ = g.kernel.RemoveIPv6(index, address, length)
		if address[0] == 0xfe && address[1] == 0x80 {
			_ = g.kernel.AddIPv6(index, append([]byte{0xfe, 0x80, 0, 0, 0, 0, 0, 0}, fresh...), length)
		}
	}
}

// parseIPv6 reads a line of /proc/net/if_inet6: address, index, length of the prefix, scope, flags and interface.
func parseIPv6(line string, name string) (address []byte, index int, length int, ok bool) {
	const fields, size = 6, 16
	words := strings.Fields(line)
	if len(words) != fields || words[fields-1] != name {
		return nil, 0, 0, false
	}
	address, err := hex.DecodeString(words[0])
	if err != nil || len(address) != size {
		return nil, 0, 0, false
	}
	number, err := strconv.ParseInt(words[1], 16, 32)
	if err != nil {
		return nil, 0, 0, false
	}
	prefix, err := strconv.ParseInt(words[2], 16, 32)
	return address, int(number), int(prefix), err == nil
}
