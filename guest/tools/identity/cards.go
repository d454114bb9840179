package identity

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

const networkClass = "/sys/class/net"

// changedCard is a network interface whose address is another one now.
type changedCard struct {
	name string
	Card
}

// changeCard gives the interfaces with the old address the new one, which one that was changed before keeps.
func (g *guest) changeCard(card Card, before []changedCard) ([]changedCard, error) {
	var changed []changedCard
	outcome := error(skipped("no interface has this address"))
	for _, name := range g.interfacesWith(card.Old) {
		if isAmong(name, before) {
			continue
		}
		if err := g.kernel.SetAddress(name, card.New); err != nil {
			outcome = err
			continue
		}
		changed = append(changed, changedCard{name, card})
		if _, none := outcome.(skipped); none {
			outcome = nil
		}
	}
	return changed, outcome
}

func isAmong(name string, cards []changedCard) bool {
	for _, card := range cards {
		if card.name == name {
			return true
		}
	}
	return false
}

// interfacesWith lists interfaces by their address; cards first, since what is built over one, such as a VLAN, mostly
// follows it.
func (g *guest) interfacesWith(address string) []string {
	paths, _ := filepath.Glob(g.path(networkClass) + "/*")
	var cards, others []string
	for _, path := range paths {
		has, err := os.ReadFile(path + "/address")
		if err != nil || strings.TrimSpace(string(has)) != address {
			continue
		}
		if _, err := os.Lstat(path + "/device"); err == nil {
			cards = append(cards, filepath.Base(path))
		} else {
			others = append(others, filepath.Base(path))
		}
	}
	sort.Strings(cards)
	sort.Strings(others)
	return append(cards, others...)
}

// What names a card at the next boot.
var networkPlaces = []string{
	"/etc/netplan", "/etc/systemd/network", "/etc/network", "/etc/sysconfig/network-scripts",
	"/etc/NetworkManager/system-connections", "/etc/udev/rules.d", "/run/systemd/network",
}

// mostFiles is how many files of these places are looked at.
const mostFiles = 2000

var errTooMany = errors.New("there are too many files")

// renameCards puts the new addresses in the place of the old ones in files.
func (g *guest) renameCards(cards []Card) error {
	if len(cards) == 0 {
		return skipped("no address is new")
	}
	outcome := error(skipped("no files of a kind that is known"))
	count := 0
	for _, place := range networkPlaces {
		directory := g.path(place)
		if _, err := os.Stat(directory); err != nil {
			continue
		}
		if _, none := outcome.(skipped); none {
			outcome = skipped("no file names an old address")
		}
		inSystemd := strings.HasSuffix(place, "/systemd/network")
		_ = filepath.WalkDir(directory, func(path string, entry os.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return nil
			}
			if count++; count > mostFiles {
				return errTooMany
			}
			changed, err := renameInFile(path, cards, inSystemd)
			if err != nil {
				outcome = err
			} else if _, none := outcome.(skipped); none && changed {
				outcome = nil
			}
			return nil
		})
	}
	return outcome
}

func renameInFile(path string, cards []Card, inSystemd bool) (bool, error) {
	was, err := readText(path, mostText)
	if err != nil {
		return false, nil
	}
	text := was
	for _, card := range cards {
		text = renameIn(text, card, inSystemd)
	}
	if text == was {
		return false, nil
	}
	return true, replaceFile(path, text)
}

var section = regexp.MustCompile(`^\[(\w+)\]`)

// renameIn replaces an address in the text of a file. systemd may match the address that a card was born with, which stays
// the old one until the next boot, so there both are named.
func renameIn(text string, card Card, inSystemd bool) string {
	old := regexp.MustCompile(`(?i)` + regexp.QuoteMeta(card.Old))
	if !old.MatchString(text) {
		return text
	}
	lines := strings.Split(text, "\n")
	matching := false
	for at, line := range lines {
		if head := section.FindStringSubmatch(line); head != nil {
			matching = inSystemd && head[1] == "Match"
		}
		if !matching {
			lines[at] = old.ReplaceAllString(line, card.New)
		} else if places := old.FindAllStringIndex(line, -1); places != nil && strings.Contains(line, "MACAddress=") {
			end := places[len(places)-1][1]
			lines[at] = line[:end] + " " + card.New + line[end:]
		}
	}
	return strings.Join(lines, "\n")
}

// interfaceID is the last half of the IPv6 addresses that a kernel makes of a MAC address; see RFC 4291, appendix A.
func interfaceID(address string) []byte {
	bytes, err := hex.DecodeString(strings.ReplaceAll(address, ":", ""))
	const length = 6
	if err != nil || len(bytes) != length {
		return nil
	}
	return []byte{bytes[0] ^ 2, bytes[1], bytes[2], 0xff, 0xfe, bytes[3], bytes[4], bytes[5]}
}
