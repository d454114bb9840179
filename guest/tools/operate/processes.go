package operate

import (
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"kame-tools/account"
)

// process is what /proc tells about a process; see proc(5).
type process struct {
	PID    int    `json:"pid"`
	Parent int    `json:"parent"`
	UID    uint32 `json:"uid"`
	User   string `json:"user"`
	// Its name, as the kernel has it.
	Name string `json:"name"`
	// Its words, with blanks between; empty for threads of the kernel.
	Command string `json:"command"`
	State   string `json:"state"`
	// Milliseconds since 1970.
	Started int64 `json:"started"`
	CPU     int64 `json:"cpuMs"`
	Memory  int64 `json:"memoryBytes"`
}

type processes struct {
	Processes []process `json:"processes"`
	More      bool      `json:"more"`
}

const (
	mostProcesses  = 10_000
	longestCommand = 1000
	// The kernel tells times in hundredths of a second.
	tickMs = 10
)

func listProcesses(request) (any, error) {
	directory, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer directory.Close()
	names, err := directory.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	boot, owners := bootTime(), account.ReadNames()
	found := processes{Processes: []process{}}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		// One that has ended in the meantime is left out.
		each, ok := readProcess(pid, boot, owners)
		if !ok {
			continue
		}
		if len(found.Processes) == mostProcesses {
			found.More = true
			break
		}
		found.Processes = append(found.Processes, each)
	}
	return found, nil
}

// beginning reads the first bytes of a file of /proc.
func beginning(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, most))
}

// bootTime is when the kernel was started, in milliseconds since 1970.
func bootTime() int64 {
	const most = 1 << 20
	text, _ := beginning("/proc/stat", most)
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "btime ") {
			number, _ := strconv.ParseInt(strings.TrimSpace(line[len("btime "):]), 10, 64)
			return number * 1000
		}
	}
	return 0
}

func readProcess(pid int, boot int64, owners *account.Names) (process, bool) {
	directory := "/proc/" + strconv.Itoa(pid)
	const most = 4096
	text, err := beginning(directory+"/stat", most)
	if err != nil {
		return process{}, false
	}
	info, err := os.Stat(directory)
	if err != nil {
		return process{}, false
	}
	found, ok := parseStat(string(text), boot)
	if !ok {
		return process{}, false
	}
	found.PID = pid
	if status, is := info.Sys().(*syscall.Stat_t); is {
		found.UID = status.Uid
		found.User = owners.User(status.Uid)
	}
	words, _ := beginning(directory+"/cmdline", longestCommand)
	found.Command = strings.ReplaceAll(strings.TrimRight(string(words), "\x00"), "\x00", " ")
	return found, true
}

// parseStat reads the line of /proc/PID/stat. The name is in round brackets, and may contain anything, also those.
func parseStat(text string, boot int64) (process, bool) {
	begin, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if begin < 0 || end < begin {
		return process{}, false
	}
	fields := strings.Fields(text[end+1:])
	// The first of these is the third of the line.
	const state, parent, user, system, start, resident = 0, 1, 11, 12, 19, 21
	if len(fields) <= resident {
		return process{}, false
	}
	number := func(at int) int64 {
		value, _ := strconv.ParseInt(fields[at], 10, 64)
		return value
	}
	return process{
		Parent:  int(number(parent)),
		Name:    text[begin+1 : end],
		State:   fields[state],
		Started: boot + number(start)*tickMs,
		CPU:     (number(user) + number(system)) * tickMs,
		Memory:  number(resident) * int64(os.Getpagesize()),
	}, true
}

type killed struct {
	PID int `json:"pid"`
}

func kill(asked request) (any, error) {
	const lastSignal = 64
	if asked.PID < 1 || asked.Signal < 1 || asked.Signal > lastSignal {
		return nil, &failure{"badRequest", "a process has a number from 1, and a signal one from 1 to 64"}
	}
	return killed{asked.PID}, syscallError("kill", strconv.Itoa(asked.PID), syscall.Kill(asked.PID, syscall.Signal(asked.Signal)))
}
