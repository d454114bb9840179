package desktop

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Where logind says who is at the screen, for programs without D-Bus; see sd_seat_get_active(3), which reads it too.
const seatFile = "/run/systemd/seats/seat0"

// activeSession is the session at the screen.
type activeSession struct {
	// Whether there is a logind that knows. Without one, any session may be it.
	known bool
	// Whether there is one at all, whose it is, and its id.
	present bool
	user    uint32
	id      string
}

func readSeat() activeSession {
	text, err := os.ReadFile(seatFile)
	if err != nil {
		return activeSession{}
	}
	return parseSeat(string(text))
}

func parseSeat(text string) activeSession {
	found := activeSession{known: true}
	for _, line := range strings.Split(text, "\n") {
		if value := strings.TrimPrefix(line, "ACTIVE_UID="); value != line {
			if number, err := strconv.ParseUint(value, 10, 32); err == nil {
				found.user, found.present = uint32(number), true
			}
		}
		if value := strings.TrimPrefix(line, "ACTIVE="); value != line {
			found.id = value
		}
	}
	return found
}

// claimOf is 0 for a helper of another user, 1 for one of the user at the screen, and 2 if it is also of the session there. What a user
// says of sessions decides only among programs of that user.
func (s activeSession) claimOf(candidate *helper) int {
	switch {
	case !s.known:
		return 1
	case !s.present || candidate.uid != s.user:
		return 0
	case s.id != "" && candidate.session == s.id:
		return 2
	}
	return 1
}

// sessionOf is the id of the session in which a process says that it is.
func sessionOf(pid int32) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return ""
	}
	for _, each := range strings.Split(string(text), "\x00") {
		if value := strings.TrimPrefix(each, "XDG_SESSION_ID="); value != each {
			return value
		}
	}
	return ""
}
