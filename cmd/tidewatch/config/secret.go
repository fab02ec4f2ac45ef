package config

import (
	"regexp"
	"strings"

	"tidewatch/enforce/written"
)

// variableForm is how environment variables are named, here. Whatever else
// stands in such a field may be the secret itself, and is not repeated.
var variableForm = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

// secretFields are the fields that name a secret.
type secretFields struct{ env, file string }

func passwordOf(path string) secretFields {
	return secretFields{path + ".password_env", path + ".password_file"}
}

// given reports whether a secret is named.
func (s secretYAML) given() bool { return s.PasswordEnv != "" || s.PasswordFile != "" }

// password reads the secret that a file names; the configuration itself never
// holds one.
func (r *resolver) password(fields secretFields, s secretYAML) string {
	switch {
	case s.PasswordEnv != "" && s.PasswordFile != "":
		r.wrong(fields.file, "give %s or %s, not both", fieldName(fields.env), fieldName(fields.file))
	case r.secrets == ignored:
	case s.PasswordEnv != "":
		return r.variable(fields.env, s.PasswordEnv)
	case s.PasswordFile != "":
		return r.secretFile(fields.file, string(s.PasswordFile))
	}
	return ""
}

// fieldName is the last part of a path.
func fieldName(path string) string { return path[strings.LastIndex(path, ".")+1:] }

// missing says that a secret is not there: a mistake where it is needed.
func (r *resolver) missing(path, format string, args ...any) {
	if r.secrets == needed {
		r.wrong(path, format, args...)
	} else {
		r.note(path, format, args...)
	}
}

func (r *resolver) variable(path, name string) string {
	value, set := r.lookup(name)
	variable := "environment variable " + name
	if !variableForm.MatchString(name) {
		variable = "the environment variable that it names (not in capitals: is it the secret itself?)"
	}
	switch says, wrong := written.Line(value, mostText); {
	case !set:
		r.missing(path, "%s is not set", variable)
	case value == "":
		r.missing(path, "%s is empty", variable)
	case wrong:
		r.wrong(path, "%s %s", variable, says)
	}
	return value
}

func (r *resolver) secretFile(path, file string) string {
	value, err := written.Secret(file)
	switch {
	case err != nil:
		r.missing(path, "%v", err)
	case strings.TrimSpace(value) != value:
		r.doubt(path, "%s: what it holds begins or ends with a blank, which counts", file)
	}
	if written.Exposed(file) {
		r.doubt(path, "%s: everybody on this machine can read it: chmod o= %s", file, file)
	}
	return value
}

// account checks that a name and its password come together.
func (r *resolver) account(path, username string, s secretYAML) {
	switch {
	case username == "" && s.given():
		r.doubt(path+".username", "is missing: a password without it is never sent")
	case username != "" && !s.given():
		r.doubt(path+".username", "has no password: name it with password_env or password_file")
	}
}
