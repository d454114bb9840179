package operate

import (
	"kame-tools/account"
	"kame-tools/identity"
	programs "kame-tools/process"
)

type userList struct {
	Accounts []user `json:"accounts"`
	More     bool   `json:"more"`
}

type user struct {
	Name  string `json:"name"`
	UID   uint32 `json:"uid"`
	GID   uint32 `json:"gid"`
	Home  string `json:"home"`
	Shell string `json:"shell"`
}

func accounts(request) (any, error) {
	const most = 10_000
	found, err := account.All(most + 1)
	if err != nil {
		return nil, err
	}
	listed := userList{Accounts: []user{}, More: len(found) > most}
	if listed.More {
		found = found[:most]
	}
	for _, each := range found {
		listed.Accounts = append(listed.Accounts, user{each.Name, each.UID, each.GID, each.Home, each.Shell})
	}
	return listed, nil
}

type variables struct {
	Variables map[string]string `json:"variables"`
}

// environment is what programs of a user get.
func environment(asked request) (any, error) {
	found, err := programs.Variables(asked.User)
	return variables{found}, err
}

// setEnvironment sets or, without a value, removes a variable of all programs that kame-tools will run.
func setEnvironment(asked request) (any, error) {
	if err := programs.SetVariable(asked.Name, asked.Value); err != nil {
		return nil, &failure{"badRequest", err.Error()}
	}
	return variables{map[string]string{}}, nil
}

// changeIdentity makes a clone a machine of its own.
func changeIdentity(asked request) (any, error) { return identity.Change(asked.Names), nil }

// renewLeases has a clone ask for addresses now.
func renewLeases(request) (any, error) {
	identity.RenewLeases()
	return struct{}{}, nil
}

// placeHostKeys gives a clone SSH host keys of its own.
func placeHostKeys(asked request) (any, error) { return identity.PlaceKeys(asked.Keys), nil }
