package account

import (
	"reflect"
	"strings"
	"testing"
)

const passwd = `root:x:0:0:root:/root:/bin/bash
broken:x
none:x:many:0::/:
alice:x:1000:1001:Alice,,,:/home/alice:
`

func TestFind(t *testing.T) {
	alice, err := find(strings.NewReader(passwd), "alice")
	wanted := Account{Name: "alice", UID: 1000, GID: 1001, Home: "/home/alice", Shell: "/bin/sh"}
	if err != nil || !reflect.DeepEqual(alice, wanted) {
		t.Fatalf("found %+v, %v", alice, err)
	}
	for _, name := range []string{"bob", "", "broken", "none"} {
		if found, err := find(strings.NewReader(passwd), name); err == nil {
			t.Fatalf("%q is %+v", name, found)
		}
	}
}

func TestGroups(t *testing.T) {
	groups := "wheel:x:10:root,alice\nbad:x:ten:alice\nsudo:x:27:alicea,bob\nvideo:x:44:alice\n"
	if found := groupsOf(strings.NewReader(groups), "alice"); !reflect.DeepEqual(found, []uint32{10, 44}) {
		t.Fatalf("found %v", found)
	}
}

func TestGroupsAfterOneWithThousandsOfMembers(t *testing.T) {
	groups := "all:x:10:" + strings.Repeat("somebody,", 10_000) + "alice\nvideo:x:44:alice\n"
	if found := groupsOf(strings.NewReader(groups), "alice"); !reflect.DeepEqual(found, []uint32{10, 44}) {
		t.Fatalf("found %v", found)
	}
}
