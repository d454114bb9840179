// Package identity makes a guest whose memory is a copy of another's a machine of its own: names, ids, random numbers,
// addresses, leases and SSH host keys. guest/identity/*.sh does the same where these tools do not run.
package identity

import (
	"fmt"
	"strings"
	"time"
)

// Card is a network card by its MAC address: that in the copied memory, and the one that it gets.
type Card struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// Names is what a guest gets that is not secret.
type Names struct {
	HostName  string `json:"hostName"`
	MachineID string `json:"machineId"`
	Cards     []Card `json:"cards"`
	// Random text of the host.
	Seed string `json:"seed"`
	// The time of the host, in milliseconds since 1970; nil leaves the clock as it is.
	Now *int64 `json:"now"`
	// In so many milliseconds the DHCP clients are told, unless RenewLeases is called before: what they do takes longer than all else.
	LeaseWithin uint16 `json:"leaseWithin"`
}

// Report is what was done: a line for each step, `step=ok`, `step=skipped:why` or `step=failed:why`.
type Report struct {
	Report string `json:"report"`
	// The time of the guest at the end, in milliseconds since 1970.
	Now int64 `json:"now"`
}

// skipped is why a step does not apply to a guest.
type skipped string

func (s skipped) Error() string { return string(s) }

// done is what a step that went well has to say.
type done string

func (d done) Error() string { return string(d) }

// guest is a system whose files are under root, which is empty but in tests.
type guest struct {
	root   string
	kernel kernel
	lines  []string
}

func (g *guest) path(name string) string { return g.root + name }

// say reports a step by its outcome.
func (g *guest) say(step string, outcome error) {
	word, reason := "failed", ""
	switch why := outcome.(type) {
	case nil:
		word = "ok"
	case done:
		word, reason = "ok", string(why)
	case skipped:
		word, reason = "skipped", string(why)
	default:
		reason = outcome.Error()
	}
	if reason != "" {
		reason = ":" + strings.ReplaceAll(reason, "\n", " ")
	}
	g.lines = append(g.lines, step+"="+word+reason)
}

func (g *guest) report() Report {
	return Report{strings.Join(g.lines, "\n") + "\n", time.Now().UnixMilli()}
}

// Change gives this guest new names. Its DHCP clients ask for addresses in the background.
func Change(names Names) Report {
	g := &guest{kernel: linuxKernel{}}
	changed := g.change(names)
	leases.put(func() { g.renewLeases(changed, names.HostName) }, time.Duration(names.LeaseWithin)*time.Millisecond)
	return g.report()
}

// change does all but the leases, and returns the cards that have another address now.
func (g *guest) change(names Names) []changedCard {
	g.say("host-keys", g.keyKinds())
	g.say("clock", g.setClock(names.Now))
	g.say("random", g.stir(names.Seed))
	g.say("reseed", g.kernel.Reseed())
	g.say("hostname", g.rename(names.HostName))
	g.say("machine-id", g.writeID("/etc/machine-id", names.MachineID))
	g.say("dbus-machine-id", g.writeOwnID("/var/lib/dbus/machine-id", names.MachineID))
	var changed []changedCard
	for number, card := range names.Cards {
		found, outcome := g.changeCard(card, changed)
		changed = append(changed, found...)
		g.say(fmt.Sprintf("mac-%d", number), outcome)
	}
	g.say("network-files", g.renameCards(names.Cards))
	g.say("lease", leaseOutcome(changed))
	return changed
}

func (g *guest) setClock(now *int64) error {
	if now == nil {
		return skipped("the clock is to stay as it is")
	}
	return g.kernel.SetClock(*now)
}

func leaseOutcome(changed []changedCard) error {
	if len(changed) == 0 {
		return skipped("no address was changed")
	}
	return done("asked")
}
