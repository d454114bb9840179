// Package drop takes files of the host into the session of a user, as if they had been dropped on the desktop.
package drop

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"kame-tools/session"
)

const (
	// The longest name of a file in Linux, less what is added to it.
	maxName = 200
	// How many files of one name there may be.
	maxSame = 1000
)

// Service takes one file, whose content the host sends, and tells where it is.
func Service(request []byte, exchange session.Exchange) error {
	var asked struct {
		Name string `json:"name"`
		Size int64  `json:"size"`
	}
	if err := json.Unmarshal(request, &asked); err != nil || asked.Size < 0 {
		return &session.Failure{Code: "badRequest", Message: "a file needs a name and a size"}
	}
	if !isPlain(asked.Name) {
		return &session.Failure{Code: "badRequest", Message: "the name is not that of a file"}
	}
	path, err := take(Directory(), asked.Name, io.LimitReader(exchange, asked.Size), asked.Size)
	if err != nil {
		return err
	}
	return json.NewEncoder(exchange).Encode(map[string]any{"result": map[string]string{"path": path}})
}

// isPlain tells whether a name can be that of a file of the user, and shows itself as what it is.
func isPlain(name string) bool {
	if name == "" || len(name) > maxName || strings.HasPrefix(name, ".") || !utf8.ValidString(name) {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return r == '/' || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}) < 0
}

// Directory is where the user expects what comes from elsewhere.
func Directory() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return "/"
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(config) {
		config = filepath.Join(home, ".config")
	}
	// See xdg-user-dirs: lines such as XDG_DOWNLOAD_DIR="$HOME/Downloads".
	text, _ := os.ReadFile(filepath.Join(config, "user-dirs.dirs"))
	places := []string{userDirectory(string(text), "XDG_DOWNLOAD_DIR", home), filepath.Join(home, "Downloads"),
		userDirectory(string(text), "XDG_DESKTOP_DIR", home), filepath.Join(home, "Desktop")}
	for _, place := range places {
		if info, err := os.Stat(place); err == nil && info.IsDir() {
			return place
		}
	}
	return home
}

func userDirectory(text string, key string, home string) string {
	for _, line := range strings.Split(text, "\n") {
		value := strings.TrimPrefix(strings.TrimSpace(line), key+"=")
		if value == strings.TrimSpace(line) {
			continue
		}
		value = strings.Trim(value, `"`)
		if rest := strings.TrimPrefix(value, "$HOME/"); rest != value {
			return filepath.Join(home, rest)
		}
		if filepath.IsAbs(value) {
			return value
		}
	}
	return ""
}

// take writes a file beside its place, and gives it its name when it is complete.
func take(directory string, name string, content io.Reader, size int64) (string, error) {
	file, err := os.CreateTemp(directory, ".kame-drop-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(file.Name())
	count, err := io.Copy(file, content)
	if err == nil && count != size {
		err = io.ErrUnexpectedEOF
	}
	const mode = 0o644
	if err == nil {
		err = file.Chmod(mode)
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", err
	}
	return settle(file.Name(), directory, name)
}

// settle gives a file a name that none has: a link never takes the place of another file.
func settle(from string, directory string, name string) (string, error) {
	extension := filepath.Ext(name)
	stem := strings.TrimSuffix(name, extension)
	for number := 0; number < maxSame; number++ {
		path := filepath.Join(directory, name)
		if number > 0 {
			path = filepath.Join(directory, fmt.Sprintf("%s (%d)%s", stem, number, extension))
		}
		err := os.Link(from, path)
		if err == nil || !errors.Is(err, fs.ErrExist) {
			return path, err
		}
	}
	return "", errors.New("there are too many files of that name")
}
