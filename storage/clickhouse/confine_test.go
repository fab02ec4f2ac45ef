package clickhouse

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEngineServesAnUnprivilegedUser(t *testing.T) {
	t.Parallel()
	asRoot(t)
	binary, assets, dir := installation(t)
	user := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	h := startHolder(t, binary, assets, user, "hold-engine", dir)
	if h.said != "serving" || h.state != "<nil>" {
		t.Fatalf("it says %q, %q", h.said, h.state)
	}
	assertConfined(t, enginePID(t, dir))
}

func TestEngineRefusesToBeUnconfined(t *testing.T) {
	t.Parallel()
	asRoot(t)
	users := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{Size: 1}}, GidMappings: []syscall.SysProcIDMap{{Size: 1}},
	}
	tests := []struct {
		of   string
		attr *syscall.SysProcAttr
		want error
	}{
		{"networks", users, ErrNoNetwork},
		{"landlock", nil, ErrNoJail},
	}
	for _, test := range tests {
		t.Run(test.of, func(t *testing.T) {
			t.Parallel()
			cfg := testEngineConfig(t)
			assets := filepath.Dir(filepath.Dir(cfg.Library))
			h := startHolder(t, os.Args[0], assets, test.attr, "deprived", test.of, "hold-engine", cfg.Dir)
			for _, want := range []string{test.want.Error(), "clickhouse.address", "clickhouse.allow_unconfined: true"} {
				if !strings.Contains(h.said, want) {
					t.Errorf("it says %q, want %q in it", h.said, want)
				}
			}
			h = startHolder(t, os.Args[0], assets, test.attr, "deprived", test.of, "hold-engine", cfg.Dir, "unconfined")
			if h.said != "serving" || !strings.Contains(h.state, test.want.Error()) {
				t.Fatalf("where that is allowed it says %q, %q", h.said, h.state)
			}
			if errors.Is(test.want, ErrNoNetwork) {
				strangersGetNothing(t, cfg)
			}
		})
	}
}

// Without a network of its own strangers get in, and no further.
func strangersGetNothing(t *testing.T, cfg EngineConfig) {
	t.Helper()
	b := layBait(t)
	port := commandLine(t, enginePID(t, cfg.Dir))["--port"]
	stranger := openConn(t, Config{Addresses: []string{"127.0.0.1:" + port}, Database: "default", User: "default"})
	for _, statement := range []string{
		"SELECT file('" + b.file + "')",
		"SELECT file('/proc/self/environ')",
		"SELECT file('" + filepath.Join(cfg.Dir, "dsn") + "')",
		"SELECT * FROM url('http://" + b.server + "/', 'LineAsString', 's String')",
		"SELECT * FROM tidewatch.cases",
	} {
		if err := stranger.Exec(t.Context(), statement); refusal(err) == 0 {
			t.Errorf("%s: %v, want it refused", statement, err)
		}
	}
	b.check(t)
}

func TestEngineIsConfined(t *testing.T) {
	t.Setenv("CAMERA_PASSWORD", "of-a-camera")
	// A file that everybody's children get.
	leak, err := unix.Open("/etc/passwd", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(leak)
	cfg := testEngineConfig(t)
	e := startEngine(t, cfg)
	pid := enginePID(t, cfg.Dir)
	assertConfined(t, pid)
	for _, secret := range []string{e.conn.Password, e.guard.password} {
		for _, file := range []string{"environ", "cmdline"} {
			if text := procFile(t, pid, file); strings.Contains(text, secret) {
				t.Errorf("%s of the process holds a password: %q", file, text)
			}
		}
	}
}

// mayBeOpen matches files that the engine may have open: without a name, its
// own, and those of the system that the Go runtime reads.
var mayBeOpen = regexp.MustCompile(`^(pipe|socket|anon_inode):|^/dev/null$|/statm$|^/sys/fs/cgroup/|/libchdb\.so$|/engine/data/`)

// assertConfined looks at a process of the engine from outside.
func assertConfined(t *testing.T, pid int) {
	t.Helper()
	if env := procFile(t, pid, "environ"); strings.Contains(env, "PASSWORD") {
		t.Errorf("its environment is %q", env)
	}
	ours, theirs := namespace(t, "self"), namespace(t, strconv.Itoa(pid))
	if ours == theirs {
		t.Error("it is in our network")
	}
	for line := range strings.Lines(procFile(t, pid, "status")) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name {
		case "CapInh", "CapAmb":
			if strings.Trim(value, "0") != "" {
				t.Errorf("%s: %s, want none", name, value)
			}
		case "CapPrm", "CapEff":
			powers, err := strconv.ParseUint(value, 16, 64)
			if err != nil || powers&^(1<<unix.CAP_DAC_OVERRIDE|1<<unix.CAP_FOWNER) != 0 {
				t.Errorf("%s: %s, %v", name, value, err)
			}
		case "NoNewPrivs":
			if value != "1" {
				t.Error("it may gain privileges")
			}
		}
	}
	for _, name := range openFiles(t, pid) {
		if !mayBeOpen.MatchString(name) {
			t.Errorf("it has %s open", name)
		}
	}
}

func procFile(t *testing.T, pid int, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func namespace(t *testing.T, process string) string {
	t.Helper()
	name, err := os.Readlink("/proc/" + process + "/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// openFiles names what a process has open.
func openFiles(t *testing.T, pid int) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, entry := range entries {
		switch name, err := os.Readlink(filepath.Join(dir, entry.Name())); {
		case err == nil:
			open = append(open, name)
		case !errors.Is(err, fs.ErrNotExist): // closed meanwhile
			t.Fatal(err)
		}
	}
	return open
}

func commandLine(t *testing.T, pid int) map[string]string {
	t.Helper()
	options := map[string]string{}
	for arg := range strings.SplitSeq(procFile(t, pid, "cmdline"), "\x00") {
		name, value, _ := strings.Cut(arg, "=")
		options[name] = value
	}
	return options
}
