// Package clipboard shares the clipboard of a session with the host.
package clipboard

import "strings"

// Text is the type of plain text for the host, always in UTF-8. Programs have several names for it.
const Text = "text/plain"

// The names of text, the best first: without a charset, some programs mean another encoding.
var textTypes = []string{"text/plain;charset=utf-8", "UTF8_STRING", Text, "TEXT", Latin1}

// Latin1 is text that is not in UTF-8, in X11.
const Latin1 = "STRING"

// typesFor are the types of content for the host: text under one name, and what is the name of a format and not a target of X11.
func typesFor(offered []string) []string {
	const maxTypes = 32
	types := []string{}
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] && len(types) < maxTypes {
			seen[name] = true
			types = append(types, name)
		}
	}
	for _, name := range offered {
		if isText(name) {
			add(Text)
		} else if isFormat(name) {
			add(name)
		}
	}
	return types
}

func isText(name string) bool {
	return indexOf(textTypes, strings.ToLower(name)) >= 0 || indexOf(textTypes, name) >= 0
}

// isFormat tells whether a name is that of a MIME type, such as image/png.
func isFormat(name string) bool {
	const longest = 128
	slash := strings.IndexByte(name, '/')
	if slash < 1 || slash == len(name)-1 || len(name) > longest {
		return false
	}
	for _, char := range name {
		if char <= ' ' || char > '~' || char == '"' || char == '\\' {
			return false
		}
	}
	return true
}

// offeredAs are the names under which programs find content of a type.
func offeredAs(name string, data []byte) []string {
	if name != Text {
		return []string{name}
	}
	names := textTypes
	if !isASCII(data) {
		names = names[:len(names)-1]
	}
	return names
}

func isASCII(data []byte) bool {
	for _, each := range data {
		if each > '~' {
			return false
		}
	}
	return true
}

// sourceOf is the name by which to ask for content of a type; empty if it is not offered.
func sourceOf(name string, offered []string) string {
	if name == Text {
		for _, each := range textTypes {
			for _, there := range offered {
				if there == each || strings.ToLower(there) == each {
					return there
				}
			}
		}
		return ""
	}
	if indexOf(offered, name) < 0 {
		return ""
	}
	return name
}

func indexOf(list []string, wanted string) int {
	for at, each := range list {
		if each == wanted {
			return at
		}
	}
	return -1
}
