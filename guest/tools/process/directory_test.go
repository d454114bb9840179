package process

import (
	"io"
	"os"
	"strings"
	"testing"

	"kame-tools/account"
	"kame-tools/wire"
)

// other is a user who is not root, to be asked for by that name.
func other(t *testing.T) (name string, user account.Account) {
	t.Helper()
	if os.Getuid() == 0 {
		name = "nobody"
	}
	user, err := userOf(Command{User: name})
	if err != nil {
		t.Skip(err)
	}
	return name, user
}

func TestAHomeThatIsNotThereIsTheRoot(t *testing.T) {
	_, user := other(t)
	closed := t.TempDir()
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	for _, home := range []string{"/not there", "/dev/null", closed} {
		user.Home = home
		if found, err := directory(Command{User: user.Name}, user); found != "/" || err != nil {
			t.Fatalf("%q, %v for %s", found, err, home)
		}
	}
	user.Home = "/dev"
	if found, err := directory(Command{User: user.Name}, user); found != "/dev" || err != nil {
		t.Fatalf("%q, %v", found, err)
	}
}

func TestUsersWithoutAHomeRunCommands(t *testing.T) {
	name, _ := other(t)
	if name == "" {
		t.Skip("only root runs commands of others")
	}
	program, err := Start(Command{Words: []string{"pwd"}, User: name})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(program.Outputs()[wire.Stdout])
	if code, _ := program.Wait(); code != 0 || err != nil || !strings.HasPrefix(string(text), "/") {
		t.Fatalf("%q, %d, %v", text, code, err)
	}
}

func TestADirectoryThatTheUserCannotEnterIsNamed(t *testing.T) {
	name, _ := other(t)
	closed := t.TempDir()
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	_, err := Start(Command{Words: []string{"true"}, User: name, Directory: closed})
	if err == nil || !strings.Contains(err.Error(), closed) || !strings.Contains(err.Error(), "permission denied") {
		t.Fatal(err)
	}
}
