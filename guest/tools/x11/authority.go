package x11

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
)

// cookieName is the one way to authenticate that servers on the same computer use.
const cookieName = "MIT-MAGIC-COOKIE-1"

// cookieFor finds the cookie for a display in the user's file of them; see Xsecurity(7). Without one there may be no need for it.
func cookieFor(display int) []byte {
	path := os.Getenv("XAUTHORITY")
	if path == "" {
		path = filepath.Join(os.Getenv("HOME"), ".Xauthority")
	}
	const largest = 1 << 20
	if about, err := os.Stat(path); err != nil || about.Size() > largest {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return findCookie(text, display)
}

// findCookie takes the first cookie for a display of this computer. Its address is not compared: a host may have been renamed since.
func findCookie(text []byte, display int) []byte {
	const internetFamilies = 6
	for len(text) >= 2 {
		family := binary.BigEndian.Uint16(text)
		text = text[2:]
		var fields [4][]byte
		for at := range fields {
			if len(text) < 2 {
				return nil
			}
			size := int(binary.BigEndian.Uint16(text))
			if len(text) < 2+size {
				return nil
			}
			fields[at], text = text[2:2+size], text[2+size:]
		}
		number, name, cookie := string(fields[1]), string(fields[2]), fields[3]
		if family > internetFamilies && name == cookieName && (number == "" || number == strconv.Itoa(display)) {
			return cookie
		}
	}
	return nil
}
